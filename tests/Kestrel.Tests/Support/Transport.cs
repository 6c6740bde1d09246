namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>Every conformance test runs against each; they must agree.</summary>
public enum Transport
{
    /// <summary>Kestrel's own sockets.</summary>
    Default,
}
