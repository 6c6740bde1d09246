namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>Every conformance test runs against each; they must agree.</summary>
public enum Transport
{
    /// <summary>Kestrel's own sockets.</summary>
    Default,

    /// <summary>The loop, the application on the thread pool.</summary>
    Loop,

    /// <summary>The loop, and the application on its thread.</summary>
    LoopInline,

    /// <summary>Connections on two loops.</summary>
    TwoLoops,
}
