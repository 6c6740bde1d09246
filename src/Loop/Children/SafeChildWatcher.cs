using System.Runtime.InteropServices;
using UnixLoop.Children;

namespace UnixLoop;

/// <summary>
/// Asks after every child that was added at each SIGCHLD: needs neither descriptors nor threads, and never touches a child of
/// anybody else. O(n) an exit. Not as PID 1, where the runtime would reap every child first.
/// </summary>
public sealed class SafeChildWatcher : IChildWatcher
{
    private readonly ChildRegistry _registry = new(nameof(SafeChildWatcher), SignalWatch.Start, static (loop, logger) => new ChildSweep(loop, logger));

    /// <inheritdoc/>
    public bool IsActive => _registry.IsActive;

    /// <inheritdoc/>
    public void Attach(IUnixEventLoop loop) => _registry.Attach(loop);

    /// <inheritdoc/>
    public void Detach() => _registry.Detach();

    /// <inheritdoc/>
    public ChildSpawnScope BeginSpawn() => default;

    /// <inheritdoc/>
    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler) => _registry.Add(pid, pidfd, handler);

    /// <inheritdoc/>
    public bool Remove(int pid) => _registry.Remove(pid);

    /// <summary>Refuses further children. A warning says how many are unfinished; their handlers are still called.</summary>
    public void Dispose() => _registry.Dispose();
}
