using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace UnixLoop.Hosting.Kestrel.Connections;

/// <summary>
/// The connection's output. Kestrel wants to learn from a flush's result that nobody reads any more, and takes an exception for a
/// mistake of the transport.
/// </summary>
internal sealed class TransportWriter(PipeWriter output) : PipeWriter
{
    private static readonly FlushResult s_over = new(isCanceled: false, isCompleted: true);

    public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

    public override long UnflushedBytes => output.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => output.GetSpan(sizeHint);

    public override void Advance(int bytes) => output.Advance(bytes);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<FlushResult> flush = output.FlushAsync(cancellationToken);
        return flush.IsCompletedSuccessfully ? flush : TranslateAsync(flush, cancellationToken);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ValueTask<FlushResult> flush = output.WriteAsync(source, cancellationToken);
        return flush.IsCompletedSuccessfully ? flush : TranslateAsync(flush, cancellationToken);
    }

    public override void CancelPendingFlush() => output.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => output.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<FlushResult> TranslateAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        try
        {
            return await flush.ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException || e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The connection's end, told also by the next read: gone, aborted (with Kestrel's ConnectionAbortedException), disposed.
            return s_over;
        }
    }
}
