namespace UnixLoop.Transports.Pipes;

/// <summary>A writer that need not copy what is flushed at once.</summary>
internal interface IDirectWriter
{
    /// <summary>Takes all of it, and sends what can be sent from the caller's memory; a flush has to follow.</summary>
    void Take(ReadOnlySpan<byte> bytes);
}
