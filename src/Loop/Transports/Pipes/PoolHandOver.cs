using System.IO.Pipelines;

namespace UnixLoop.Transports.Pipes;

/// <summary>
/// Brings a pipe's reader or writer to the thread pool, without the object that <see cref="PipeScheduler.ThreadPool"/> makes for
/// each hand-over. One for each pipe: as a rule only one of its callbacks is under way.
/// </summary>
internal sealed class PoolHandOver : PipeScheduler, IThreadPoolWorkItem
{
    private int _isUnderWay;
    private Action<object?>? _action;
    private object? _state;

    public override void Schedule(Action<object?> action, object? state)
    {
        if (Interlocked.CompareExchange(ref _isUnderWay, 1, 0) != 0)
        {
            ThreadPool.Schedule(action, state);
            return;
        }
        _action = action;
        _state = state;
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        (Action<object?> action, object? state) = (_action!, _state);
        _action = null;
        _state = null;
        // Before the call: what it runs may want the next hand-over.
        Volatile.Write(ref _isUnderWay, 0);
        action(state);
    }
}
