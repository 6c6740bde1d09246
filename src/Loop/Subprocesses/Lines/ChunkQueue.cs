using System.Threading.Tasks.Sources;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Carries what the streams of a run bring, in the order of the reads, from the loop to one reader elsewhere. A reader that
/// falls behind pauses all of them.
/// </summary>
internal sealed class ChunkQueue : IValueTaskSource
{
    private readonly Lock _gate = new();
    private readonly Queue<Chunk> _chunks = new();
    private readonly List<ReadPump> _pumps = [];
    private ManualResetValueTaskSourceCore<bool> _news = new() { RunContinuationsAsynchronously = true };

    // Guarded by _gate.
    private int _bytes;
    private bool _isFull;
    private bool _isDiscarding;
    private bool _isWaiting;
    private bool _isSignaled;

    /// <summary>What ended a stream other than its end; the first of them.</summary>
    internal Exception? Error { get; private set; }

    /// <summary>A sink for one of the streams.</summary>
    internal IReadSink Open(LineSource source) => new ChunkSink(this, source);

    internal bool TryTake(out Chunk chunk)
    {
        bool resume;
        lock (_gate)
        {
            if (!_chunks.TryDequeue(out chunk))
                return false;
            _bytes -= chunk.Length;
            resume = _isFull && _bytes <= PipeDefaults.ReadLowWater;
            if (resume)
                _isFull = false;
        }
        if (resume)
        {
            foreach (ReadPump pump in _pumps)
                pump.Resume();
        }
        return true;
    }

    /// <summary>Ends when something has come since the last wait, or <see cref="Wake"/> was called. For one waiter at a time.</summary>
    internal ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_isSignaled)
            {
                _isSignaled = false;
                return ValueTask.CompletedTask;
            }
            _isWaiting = true;
            _news.Reset();
            return new ValueTask(this, _news.Version);
        }
    }

    internal void Wake()
    {
        lock (_gate)
        {
            if (!_isWaiting)
            {
                _isSignaled = true;
                return;
            }
            _isWaiting = false;
        }
        _news.SetResult(true);
    }

    /// <summary>One of the streams has ended.</summary>
    internal void Complete(Exception? error)
    {
        lock (_gate)
            Error ??= error;
        Wake();
    }

    /// <summary>Drops what was not taken and all that comes: a child that is being stopped must not be held up by a full pipe.</summary>
    internal void Discard()
    {
        lock (_gate)
            _isDiscarding = true;
        while (TryTake(out Chunk chunk))
            chunk.Return();
    }

    /// <summary>On any thread, since members may be started side by side; before the first of <see cref="TryTake"/>.</summary>
    internal void Attach(ReadPump pump)
    {
        lock (_gate)
            _pumps.Add(pump);
    }

    internal void Add(Chunk chunk)
    {
        lock (_gate)
        {
            if (!_isDiscarding)
            {
                _chunks.Enqueue(chunk);
                _bytes += chunk.Length;
                return;
            }
        }
        chunk.Return();
    }

    /// <summary>Whether there is room for more.</summary>
    internal bool Flush()
    {
        Wake();
        lock (_gate)
        {
            _isFull |= _bytes > PipeDefaults.ReadHighWater;
            return !_isFull;
        }
    }

    void IValueTaskSource.GetResult(short token) => _news.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _news.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _news.OnCompleted(continuation, state, token, flags);
}
