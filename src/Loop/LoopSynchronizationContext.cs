using UnixLoop.Scheduling;

namespace UnixLoop;

/// <summary>Brings continuations to the loop; once it has ended, to the thread pool, since a throw here would end the process.</summary>
internal sealed class LoopSynchronizationContext(UnixEventLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        if (!loop.TryPost(WorkItem.From(d, state)))
            base.Post(d, state);
    }

    /// <summary>Runs at once on the loop's thread; from another thread, waits until the loop has run it.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        if (loop.IsOnLoopThread)
            d(state);
        else
            loop.InvokeAsync(() => d(state)).GetAwaiter().GetResult();
    }

    /// <summary>The context has no state: a copy would be the same.</summary>
    public override SynchronizationContext CreateCopy() => this;

    public override string ToString() => $"SynchronizationContext of {loop}";
}
