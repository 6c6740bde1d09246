using System.Runtime.InteropServices;

namespace UnixLoop;

/// <summary>Watches each child with a blocking waitid(2) on a named thread of its own: needs no pidfds.</summary>
public sealed class ThreadedChildWatcher : IChildWatcher
{
    /// <inheritdoc/>
    public bool IsActive => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Attach(IUnixEventLoop loop) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Detach() => throw new NotImplementedException();
    /// <inheritdoc/>
    public ChildSpawnScope BeginSpawn() => default;
    /// <inheritdoc/>
    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler) => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool Remove(int pid) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
