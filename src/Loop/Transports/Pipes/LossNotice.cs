namespace UnixLoop.Transports.Pipes;

/// <summary>Is finalized with the pipe that holds it, unless that was disposed or completed before.</summary>
internal sealed class LossNotice(PipeLife life, IPump pump) : IDisposable
{
    ~LossNotice() => life.OnLost(pump);

    public void Dispose() => GC.SuppressFinalize(this);
}
