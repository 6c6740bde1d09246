using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using UnixLoop.Children;

namespace UnixLoop;

/// <summary>
/// Watches each child through its pidfd in the loop's selector: O(1), one descriptor a child. A child whose pidfd can't be had
/// (no descriptors left) is watched by a thread instead, as <see cref="ThreadedChildWatcher"/> does.
/// </summary>
public sealed class PidfdChildWatcher : IChildWatcher
{
    private readonly ChildRegistry _registry = new(nameof(PidfdChildWatcher), PidfdWatch.Start);

    /// <summary>Whether this system has pidfds (Linux 5.4) and lets us use them. Tried once, on this process itself.</summary>
    /// <param name="reason">If not, the call that failed, its errno and what that means; else null.</param>
    public static bool IsSupported([NotNullWhen(false)] out string? reason) => (reason = PidfdProbe.WhyNot()) is null;

    /// <inheritdoc/>
    public bool IsActive => _registry.IsActive;

    /// <inheritdoc/>
    public void Attach(IUnixEventLoop loop)
    {
        if (!IsSupported(out string? reason))
            throw new PlatformNotSupportedException($"{nameof(PidfdChildWatcher)} can't work here ({reason}): use {nameof(ThreadedChildWatcher)}.");
        _registry.Attach(loop);
    }

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
