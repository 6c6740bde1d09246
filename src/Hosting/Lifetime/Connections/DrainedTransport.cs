using System.IO.Pipelines;

namespace UnixLoop.Hosting.Connections;

/// <summary>A connection's bytes, unchanged, and a note at each step that tells where a request stands. Costs a virtual call, and a look at the first bytes of a read.</summary>
internal sealed class DrainedTransport(IDuplexPipe inner, DrainedConnection connection) : IDuplexPipe
{
    public PipeReader Input { get; } = new DrainedReader(inner.Input, connection);

    public PipeWriter Output { get; } = new Writer(inner.Output, connection);

    private sealed class Writer(PipeWriter inner, DrainedConnection connection) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            connection.OnAnswer();
            return inner.GetMemory(sizeHint);
        }

        public override Span<byte> GetSpan(int sizeHint = 0)
        {
            connection.OnAnswer();
            return inner.GetSpan(sizeHint);
        }

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            connection.OnAnswer();
            return inner.WriteAsync(source, cancellationToken);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }
}
