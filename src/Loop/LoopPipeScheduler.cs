using System.IO.Pipelines;
using UnixLoop.Scheduling;

namespace UnixLoop;

/// <summary>Runs pipe callbacks on the loop; once it has ended, on the thread pool, so that no reader or writer waits for ever.</summary>
internal sealed class LoopPipeScheduler(UnixEventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (!loop.TryPost(WorkItem.From(action, state)))
            ThreadPool.Schedule(action, state);
    }
}
