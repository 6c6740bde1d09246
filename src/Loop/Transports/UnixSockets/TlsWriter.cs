using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// The writer over a TLS stream, which knows whether a flush is under way. The BCL's, below, must not be completed meanwhile: that writes its segments
/// too, in between those of the flush, and waits for the peer as well.
/// </summary>
internal sealed class TlsWriter(PipeWriter inner) : PipeWriter
{
    private const int Idle = 0, Busy = 1, Closed = 2;

    private int _state;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            return await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            return await inner.WriteAsync(source, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        Enter();
        try
        {
            inner.Complete(exception);
        }
        finally
        {
            Leave();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        Enter();
        try
        {
            await inner.CompleteAsync(exception).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Completes it for good; fails at once where a flush is under way, as by a peer that does not read.</summary>
    internal ValueTask CloseAsync() => Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle
        ? inner.CompleteAsync()
        : ValueTask.FromException(new IOException("The TLS connection was disposed while a flush was under way."));

    private void Enter()
    {
        switch (Interlocked.CompareExchange(ref _state, Busy, Idle))
        {
            case Busy:
                throw new InvalidOperationException("A flush is under way: nothing else can be flushed, and writing not be completed, before it ends.");
            case Closed:
                throw new ObjectDisposedException(nameof(UnixTlsConnection));
        }
    }

    private void Leave() => Volatile.Write(ref _state, Idle);

    public override string ToString() => $"TLS over {inner}";
}
