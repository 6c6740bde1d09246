using System.IO.Pipelines;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>What a run's input is written to. A child that has read enough, or is gone, is no error: the flush says that nobody reads any more.</summary>
/// <param name="pump">Into the pipe.</param>
/// <param name="loop">The pump's.</param>
/// <param name="fail">Gets what the source completes it with, before the child sees the end.</param>
internal sealed class FeedWriter(WritePump pump, UnixEventLoop loop, Action<Exception> fail) : PipeWriter
{
    private static readonly FlushResult NobodyReads = new(isCanceled: false, isCompleted: true);

    private readonly PipeWriter _inner = pump.Writer;

    /// <summary>Whether the source has ended the input by itself.</summary>
    internal bool IsCompleted { get; private set; }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

    public override void Advance(int bytes) => _inner.Advance(bytes);

    public override void CancelPendingFlush() => _inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
            fail(exception);
        IsCompleted = true;
        _inner.Complete();
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _inner.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e.HResult == EPIPE)
        {
            return NobodyReads;
        }
        catch (ObjectDisposedException) when (!loop.HasEnded)
        {
            return NobodyReads;
        }
    }
}
