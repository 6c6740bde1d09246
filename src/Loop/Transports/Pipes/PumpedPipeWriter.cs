using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports.Pipes;

/// <summary>What the user writes to; counts the writes that come after the other side has gone.</summary>
/// <param name="pump">Takes the bytes to the descriptor.</param>
/// <param name="owner">Kept alive for as long as the writer is: the finalizer of a forgotten subprocess closes its pipes.</param>
/// <param name="logger">Gets the warning.</param>
/// <param name="lossNotice">Disposed at the completion: a writer that is complete may be forgotten.</param>
internal sealed class PumpedPipeWriter(IWritePump pump, object owner, ILogger logger, IDisposable? lossNotice = null) : PipeWriter, IOperableOutput
{
    /// <summary>asyncio's LOG_THRESHOLD_FOR_CONNLOST_WRITES; an error counts as the first.</summary>
    private const int WarnFrom = 5;

    private readonly object _owner = owner;
    private readonly PipeWriter _inner = pump.Writer;

    /// <summary>Can be lent; only asked to if <see cref="CanBeLent"/>.</summary>
    private readonly WritePump? _lender = pump as WritePump;
    private long _accepted;
    private int _lost;
    private bool _isCompleted;

    /// <summary>An operation whose begin flushes first.</summary>
    private IOutputOperation? _beginning;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _inner.UnflushedBytes;

    /// <summary>Flushed, and not with the kernel yet.</summary>
    internal long QueuedBytes => Math.Max(0, Volatile.Read(ref _accepted) - pump.BytesWritten);

    /// <summary>Whether it is a pipe that the loop writes.</summary>
    internal bool CanBeLent => _lender is { IsPipe: true };

    bool IOperableOutput.IsPipe => CanBeLent;

    UnixEventLoop IOperableOutput.Loop => _lender!.Loop;

    int IOperableOutput.Descriptor => _lender!.Descriptor;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        CheckNoOperation();
        return _inner.GetMemory(sizeHint);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        CheckNoOperation();
        return _inner.GetSpan(sizeHint);
    }

    public override void Advance(int bytes) => _inner.Advance(bytes);

    public override void CancelPendingFlush() => _inner.CancelPendingFlush();

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        CheckNoOperation();
        return Flush(cancellationToken);
    }

    private ValueTask<FlushResult> Flush(CancellationToken cancellationToken)
    {
        bool wasEnded = CountIfLost();
        _accepted += _inner.UnflushedBytes;
        return ToldAtOnce(_inner.FlushAsync(cancellationToken), wasEnded, cancellationToken);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        CheckNoOperation();
        bool wasEnded = CountIfLost();
        _accepted += _inner.UnflushedBytes + source.Length;
        return ToldAtOnce(_inner.WriteAsync(source, cancellationToken), wasEnded, cancellationToken);
    }

    public override void Complete(Exception? exception = null)
    {
        CheckNoOperation();
        CompleteInner();
    }

    /// <summary>As <see cref="Complete"/>, by a disposal, which ends an operation.</summary>
    internal void CompleteForDisposal(ObjectDisposedException disposed)
    {
        _lender?.StopOperation(disposed);
        CompleteInner();
    }

    private void CompleteInner()
    {
        _isCompleted = true;
        lossNotice?.Dispose();
        // The other side can't be told of an exception: it meets its end, with what was flushed before.
        _inner.Complete();
    }

    async ValueTask IOperableOutput.BeginOutputOperationAsync(IOutputOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CheckNoOperation();
        if (_isCompleted)
            throw new InvalidOperationException("Writing is over: the writer has been completed.");
        if (Interlocked.CompareExchange(ref _beginning, operation, null) is { } other)
            throw Refusal(other);
        try
        {
            if (UnflushedBytes > 0)
                await Flush(cancellationToken).ConfigureAwait(false);
            await _lender!.LendAsync(operation, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _beginning, null);
        }
    }

    void IOperableOutput.WantWritable(bool wanted) => _lender!.WantWritable(wanted);

    void IOperableOutput.EndOutputOperation(IOutputOperation operation, long sent, Exception? failure)
    {
        Volatile.Write(ref _accepted, _accepted + sent);
        _lender!.EndOperation(sent, failure as IOException);
    }

    public override string ToString() => $"PipeWriter of {_owner}: {pump}";

    /// <summary>A flush may have written by itself, and failed: then it says so, and not the next one.</summary>
    private ValueTask<FlushResult> ToldAtOnce(ValueTask<FlushResult> flush, bool wasEnded, CancellationToken cancellationToken) =>
        !wasEnded && pump.IsEnded && flush.IsCompletedSuccessfully ? _inner.FlushAsync(cancellationToken) : flush;

    private void CheckNoOperation()
    {
        if ((_lender?.Operation ?? Volatile.Read(ref _beginning)) is { } operation)
            throw Refusal(operation);
    }

    private static InvalidOperationException Refusal(IOutputOperation operation) =>
        new($"The {operation.Name} is in progress: nothing else can be written before it ends.");

    private bool CountIfLost()
    {
        if (!pump.IsEnded || _isCompleted)
            return false;
        if (_lost == 0 && pump.Failure is not null)
            _lost = 1;
        if (_lost++ >= WarnFrom)
            PipeLog.WriteAfterLoss(logger, pump, _lost);
        return true;
    }
}
