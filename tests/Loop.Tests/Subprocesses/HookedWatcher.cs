using System.Runtime.InteropServices;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>Stops a start at its two seams, before the spawn and between the spawn and the registration, to force what races there.</summary>
internal sealed class HookedWatcher(IChildWatcher inner) : IChildWatcher
{
    internal Action? BeforeSpawn { get; set; }

    /// <summary>Gets the pid of a child that is spawned and not yet watched.</summary>
    internal Action<int>? BeforeAdd { get; set; }

    internal int ScopesLeft { get; private set; }

    public bool IsActive => inner.IsActive;

    public void Attach(IUnixEventLoop loop) => inner.Attach(loop);

    public void Detach() => inner.Detach();

    public ChildSpawnScope BeginSpawn()
    {
        BeforeSpawn?.Invoke();
        return new ChildSpawnScope(() => ScopesLeft++);
    }

    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler)
    {
        BeforeAdd?.Invoke(pid);
        inner.Add(pid, pidfd, handler);
    }

    public bool Remove(int pid) => inner.Remove(pid);

    public void Dispose() => inner.Dispose();
}
