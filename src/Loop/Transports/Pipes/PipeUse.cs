namespace UnixLoop.Transports.Pipes;

/// <summary>What we do with an end.</summary>
internal enum PipeUse
{
    Read,
    Write,
}
