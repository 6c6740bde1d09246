using static UnixLoop.Interop.Libc;

namespace UnixLoop.Children;

/// <summary>Looks out for a child with a thread that blocks in waitid(2).</summary>
/// <remarks>
/// The thread can't be called back: after <see cref="End"/> it stays until the child ends, reaps nothing and tells nobody. The
/// blocking wait leaves the zombie (WNOWAIT), since the reap must happen under the registry's gate.
/// </remarks>
internal sealed class WaitThread : ChildWatch
{
    // Deep enough for a handler's OnExiting and a log line; a thousand of them are 256 MiB of address space, not of memory.
    private const int StackBytes = 256 * 1024;

    private readonly WatchedChild _child;

    private WaitThread(WatchedChild child) => _child = child;

    /// <summary>A <see cref="StartChildWatch"/>. Where no thread can be had, the loop asks for the child every 100 ms.</summary>
    internal static ChildWatch Start(WatchedChild child, UnixEventLoop loop)
    {
        WaitThread watch = new(child);
        try
        {
            // 15 bytes is what Linux shows of a thread's name: pids have at most seven digits.
            new Thread(watch.Run, StackBytes) { IsBackground = true, Name = $"waitpid-{child.Pid}" }.Start();
            return watch;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            ChildrenLog.NoWaitThread(child.Registry.Logger, child.Pid, e);
            return SweepWatch.Start(child, loop);
        }
    }

    internal override bool Suspend() => true;

    internal override bool ReportsOnlyWhenAttached => true;

    internal override void End()
    {
    }

    private void Run()
    {
        while (true)
        {
            WaitUntilDead();
            switch (_child.Registry.Collect(_child, this, out ExitNotice notice))
            {
                case CollectResult.Collected:
                    _child.Registry.Deliver(notice);
                    return;
                case CollectResult.NotOurs:
                    return;
                default:
                    // Also where waitid(2) fails at once: the registry counts, and gives up in the end.
                    Pause();
                    break;
            }
        }
    }

    private unsafe void Pause() => Poll(descriptors: null, count: 0, (int)RetryInterval.TotalMilliseconds);

    private unsafe void WaitUntilDead() => WaitId(P_PID, _child.Pid, info: null, WEXITED | WNOWAIT, usage: null);
}
