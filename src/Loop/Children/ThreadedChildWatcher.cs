using System.Runtime.InteropServices;
using UnixLoop.Children;

namespace UnixLoop;

/// <summary>
/// Watches each child with a blocking waitid(2) on a background thread of its own, named "waitpid-" and the pid: needs no
/// pidfds. The handler's <see cref="IChildExitHandler.OnExiting"/> is called on that thread.
/// </summary>
public sealed class ThreadedChildWatcher : IChildWatcher
{
    private readonly ChildRegistry _registry = new(nameof(ThreadedChildWatcher), WaitThread.Start);

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

    /// <summary>Refuses further children. A warning says how many are unfinished; their handlers are still called. The threads never hold up the process's exit.</summary>
    public void Dispose() => _registry.Dispose();
}
