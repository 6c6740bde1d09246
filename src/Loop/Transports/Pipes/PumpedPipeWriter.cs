using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.Pipes;

/// <summary>What the user writes to; counts the writes that come after the other side has gone.</summary>
/// <param name="pump">Takes the bytes to the descriptor.</param>
/// <param name="owner">Kept alive for as long as the writer is: the finalizer of a forgotten subprocess closes its pipes.</param>
/// <param name="logger">Gets the warning.</param>
internal sealed class PumpedPipeWriter(WritePump pump, object owner, ILogger logger) : PipeWriter
{
    /// <summary>asyncio's LOG_THRESHOLD_FOR_CONNLOST_WRITES; an error counts as the first.</summary>
    private const int WarnFrom = 5;

    private readonly object _owner = owner;
    private readonly PipeWriter _inner = pump.Writer;
    private int _lost;
    private bool _isCompleted;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

    public override void Advance(int bytes) => _inner.Advance(bytes);

    public override void CancelPendingFlush() => _inner.CancelPendingFlush();

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (pump.IsEnded && !_isCompleted)
            CountLostWrite();
        return _inner.FlushAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (pump.IsEnded && !_isCompleted)
            CountLostWrite();
        return _inner.WriteAsync(source, cancellationToken);
    }

    public override void Complete(Exception? exception = null)
    {
        _isCompleted = true;
        // The child can't be told of an exception: its input ends, with what was flushed before.
        _inner.Complete();
    }

    public override string ToString() => $"PipeWriter of {_owner}: {pump}";

    private void CountLostWrite()
    {
        if (_lost == 0 && pump.HasFailed)
            _lost = 1;
        if (_lost++ >= WarnFrom)
            PipeLog.WriteAfterLoss(logger, pump, _lost);
    }
}
