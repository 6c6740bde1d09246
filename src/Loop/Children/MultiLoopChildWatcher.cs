using System.Runtime.InteropServices;
using UnixLoop.Children;

namespace UnixLoop;

/// <summary>
/// Serves several loops: each handler is called on the loop that added it, through that loop's queue. Watches as
/// <see cref="SafeChildWatcher"/> does, on the loop that it is attached to.
/// </summary>
public sealed class MultiLoopChildWatcher : IChildWatcher
{
    private readonly ChildRegistry _registry = new(nameof(MultiLoopChildWatcher), SignalWatch.Start, static (loop, logger) => new ChildSweep(loop, logger));

    /// <inheritdoc/>
    public bool IsActive => _registry.IsActive;

    /// <inheritdoc/>
    public void Attach(IUnixEventLoop loop) => _registry.Attach(loop);

    /// <inheritdoc/>
    public void Detach() => _registry.Detach();

    /// <inheritdoc/>
    public ChildSpawnScope BeginSpawn() => default;

    /// <summary>Watches the child; its handler is called on the loop on whose thread this is called, elsewhere on the loop that the watcher is attached to at the exit.</summary>
    /// <inheritdoc/>
    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler) => _registry.Add(pid, pidfd, handler, UnixEventLoop.Current);

    /// <summary>Watches the child; its handler is called on <paramref name="loop"/>.</summary>
    /// <param name="pid">A child of this process that nobody has reaped.</param>
    /// <param name="pidfd">As in <see cref="IChildWatcher.Add"/>.</param>
    /// <param name="handler">Called on the loop's thread, or, once that loop has ended, on the orphan queue's thread.</param>
    /// <param name="loop">Any <see cref="UnixEventLoop"/>, attached or not.</param>
    /// <exception cref="InvalidOperationException">The watcher is not active, or <paramref name="loop"/> has stopped.</exception>
    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler, IUnixEventLoop loop) =>
        _registry.Add(pid, pidfd, handler, _registry.Checked(loop));

    /// <inheritdoc/>
    public bool Remove(int pid) => _registry.Remove(pid);

    /// <summary>Refuses further children. A warning says how many are unfinished; their handlers are still called.</summary>
    public void Dispose() => _registry.Dispose();
}
