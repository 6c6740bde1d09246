using System.Runtime.InteropServices;

namespace UnixLoop;

/// <summary>Watches each child through its pidfd in the loop's selector: O(1), one descriptor a child.</summary>
public sealed class PidfdChildWatcher : IChildWatcher
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
