using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace UnixLoop.Transports.Pipes;

/// <summary>Fills a <see cref="Pipe"/>; a reader that falls behind pauses the pump.</summary>
internal sealed class PipeReadSink : IReadSink
{
    private readonly Pipe _pipe;
    private readonly Action _resume;
    private ReadPump? _pump;
    private bool _isFlushing;
    private int _unflushed;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    internal PipeReadSink(UnixEventLoop loop, PipeFlow? flow = null)
    {
        _pipe = (flow ?? PipeFlow.OfReading).ForReading(loop, loop.PipeScheduler);
        _resume = () => _pump!.Resume();
    }

    internal PipeReader Reader => _pipe.Reader;

    public void Attach(ReadPump pump) => _pump = pump;

    public Span<byte> GetSpan(int sizeHint) => _pipe.Writer.GetSpan(sizeHint);

    public void Advance(int count)
    {
        _pipe.Writer.Advance(count);
        _unflushed += count;
    }

    public bool Flush()
    {
        if (_isFlushing)
        {
            if (!_flush.IsCompleted)
                return false;
            _isFlushing = false;
            if (_flush.GetResult().IsCompleted)
                return false;
        }
        if (_unflushed == 0)
            return true;
        _unflushed = 0;
#pragma warning disable CA2012 // consumed once: here, or by the Flush that follows its continuation
        _flush = _pipe.Writer.FlushAsync().ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        // When the reader has completed, its own Complete closes the pump: until then there is no point in reading.
        if (_flush.IsCompleted)
            return !_flush.GetResult().IsCompleted;
        _isFlushing = true;
        _flush.UnsafeOnCompleted(_resume);
        return false;
    }

    public void Complete(Exception? error) => _pipe.Writer.Complete(error);
}
