using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace UnixLoop.Children;

/// <summary>Starts looking out for a child on a loop. Called under the registry's gate; never calls the handler itself.</summary>
internal delegate ChildWatch StartChildWatch(WatchedChild child, UnixEventLoop loop);

/// <summary>
/// What the watchers have in common: which children are watched, for whom and on which loop. How each of them is looked out for
/// is left to the watch that <paramref name="startWatch"/> makes.
/// </summary>
/// <remarks>
/// One gate guards everything, and the reap happens under it (ChildRegistry.Collect.cs). That settles the races: a pid is free
/// for a new child only after the reap, so an <see cref="Add"/> that finds the pid in the table means the same child;
/// <see cref="Remove"/> says truly whether the handler will still be called; and the handler that is told of the exit is the one
/// that was told before the reap. Below the gate come the selector's lock and the orphan queue's, never the other way round.
/// Handlers are called outside it.
/// </remarks>
/// <param name="name">The watcher's name, for messages.</param>
/// <param name="startWatch">The strategy.</param>
/// <param name="makeSweep">What the children of one attachment share, if the strategy needs that.</param>
internal sealed partial class ChildRegistry(string name, StartChildWatch startWatch, Func<UnixEventLoop, ILogger, ChildSweep>? makeSweep = null)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, WatchedChild> _children = [];
    private volatile UnixEventLoop? _loop;
    private bool _disposed;

    internal ILogger Logger { get; private set; } = NullLogger.Instance;

    /// <summary>Guarded by the gate; null while the watcher is detached.</summary>
    internal ChildSweep? Sweep { get; private set; }

    internal bool IsActive
    {
        get
        {
            lock (_gate)
                return !_disposed && _loop is { State: LoopState.Created or LoopState.Running };
        }
    }

    internal void Attach(IUnixEventLoop loop)
    {
        UnixEventLoop unixLoop = Checked(loop);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(IChildWatcher));
            if (_loop is not null && _loop != unixLoop)
                throw new InvalidOperationException($"{name} is attached to loop '{_loop.Name}': detach it before it is attached to loop '{unixLoop.Name}'.");
            Logger = new ForgivingLogger(unixLoop.LoggerFactory.CreateLogger("UnixLoop.Children"));
            SigChildDisposition.EnsureChildrenCanBeReaped(Logger);
            if (_loop is null && makeSweep is not null)
            {
                ChildSweep sweep = makeSweep(unixLoop, Logger);
                sweep.Begin(name);
                Sweep = sweep;
            }
            _loop = unixLoop;
            foreach (WatchedChild child in _children.Values)
            {
                if (child.Watch is OrphanWatch orphan)
                    orphan.End();
                else if (child.Watch is not null)
                    continue;
                child.Watch = startWatch(child, unixLoop);
            }
        }
    }

    internal void Detach()
    {
        lock (_gate)
        {
            if (_loop is null || _disposed)
                return;
            foreach (WatchedChild child in _children.Values)
            {
                if (child.Watch is { } watch && !watch.Suspend())
                    child.Watch = null;
            }
            if (AwaitedCount is > 0 and int awaited)
                ChildrenLog.DetachedWithChildren(Logger, name, _loop.Name, awaited);
            _loop = null;
            Sweep?.Retire();
            Sweep = null;
        }
    }

    /// <param name="pid">The child.</param>
    /// <param name="pidfd">Borrowed; null if there is none.</param>
    /// <param name="handler">Whom to tell.</param>
    /// <param name="tellOn">Where; null for the loop that the watcher is attached to by then.</param>
    internal void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler, UnixEventLoop? tellOn = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pid);
        ArgumentNullException.ThrowIfNull(handler);
        lock (_gate)
        {
            ThrowIfInactive(_loop);
            if (tellOn is not null)
                ThrowIfInactive(tellOn);
            if (_children.TryGetValue(pid, out WatchedChild? known))
            {
                if (!known.IsReaped())
                {
                    (known.Handler, known.TellOn) = (handler, tellOn);
                    return;
                }
                // Reaped elsewhere and not told of yet: the pid has passed to a new child. The old one keeps its watch and its handler.
                _children.Remove(pid);
            }
            WatchedChild child = new(this, pid, pidfd, handler) { TellOn = tellOn };
            try
            {
                child.Watch = startWatch(child, _loop!);
            }
            catch
            {
                child.ReleasePidfd();
                throw;
            }
            _children.Add(pid, child);
        }
    }

    internal bool Remove(int pid)
    {
        WatchedChild? child;
        ChildWatch? watch;
        lock (_gate)
        {
            if (!_children.Remove(pid, out child))
                return false;
            watch = child.Watch;
            child.Watch = null;
        }
        watch?.End();
        child.ReleasePidfd();
        return true;
    }

    private int AwaitedCount => _children.Values.Count(static child => child.Handler is not ILeftAlone { IsLeftAlone: true });

    /// <summary>Children that are watched go on being watched; those that are not, for want of a loop, go to the orphan queue.</summary>
    internal void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (AwaitedCount is > 0 and int awaited)
                ChildrenLog.DisposedWithChildren(Logger, name, awaited);
            foreach (WatchedChild child in _children.Values)
                child.Watch ??= OrphanQueue.Shared.Adopt(child);
            Sweep?.Retire();
        }
    }

    /// <summary>The loop ended under <paramref name="watch"/>.</summary>
    internal void Orphan(WatchedChild child, ChildWatch watch)
    {
        lock (_gate)
        {
            if (child.Watch != watch)
                return;
            child.Watch = OrphanQueue.Shared.Adopt(child);
        }
        watch.End();
    }

    /// <summary>Tries the strategy again for a child that <paramref name="watch"/> looks out for instead.</summary>
    internal void Rewatch(WatchedChild child, ChildWatch watch)
    {
        lock (_gate)
        {
            if (child.Watch != watch || _loop is null)
                return;
            child.Watch = startWatch(child, _loop);
        }
        watch.End();
    }

    internal UnixEventLoop Checked(IUnixEventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop as UnixEventLoop ?? throw new ArgumentException($"{name} needs a {nameof(UnixEventLoop)}, not a {loop.GetType()}.", nameof(loop));
    }

    private void ThrowIfInactive(UnixEventLoop? loop)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(IChildWatcher));
        if (loop is null)
            throw new InvalidOperationException($"{name} is not active: it is attached to no loop.");
        if (loop.State is not (LoopState.Created or LoopState.Running))
            throw new InvalidOperationException($"{name} is not active: its loop '{loop.Name}' has stopped.");
    }
}
