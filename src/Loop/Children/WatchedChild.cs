using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

/// <summary>A child that was added to a watcher. Its mutable members are guarded by the registry's gate.</summary>
internal sealed class WatchedChild
{
    private bool _ownsPidfd;
    private bool _borrowsPidfd;

    /// <exception cref="ObjectDisposedException"><paramref name="pidfd"/> is closed.</exception>
    internal WatchedChild(ChildRegistry registry, int pid, SafeHandle? pidfd, IChildExitHandler handler)
    {
        Registry = registry;
        Pid = pid;
        Handler = handler;
        // Until the exit has been told: a handle disposed earlier closes its descriptor only then.
        pidfd?.DangerousAddRef(ref _borrowsPidfd);
        Pidfd = pidfd;
    }

    internal ChildRegistry Registry { get; }

    internal int Pid { get; }

    internal SafeHandle? Pidfd { get; private set; }

    /// <summary>Whom to tell: the one added last.</summary>
    internal IChildExitHandler Handler { get; set; }

    /// <summary>The loop on which to tell, if that is not the watcher's.</summary>
    internal UnixEventLoop? TellOn { get; set; }

    /// <summary>Who looks out for the exit; null while the watcher is detached, and once the child is told of or removed.</summary>
    internal ChildWatch? Watch { get; set; }

    /// <summary>Reaps that were put off because waitid(2) failed or somebody else's reap was under way.</summary>
    internal int PostponedReaps { get; set; }

    internal int PidfdNumber => (int)Pidfd!.DangerousGetHandle();

    /// <summary>Whether somebody has reaped the child, so that its pid may be another's by now. False where nobody can tell.</summary>
    internal bool IsReaped() => Pidfd is not null && Libc.PidfdSendSignal(PidfdNumber, signal: 0).Errno == ESRCH;

    internal void OwnPidfd(UnixHandle pidfd)
    {
        Pidfd = pidfd;
        _ownsPidfd = true;
    }

    /// <summary>Whether the exit closes the pidfd: ours, by <see cref="ReleasePidfd"/>, or a subprocess's, by <paramref name="handler"/>. A handle of somebody else's may stay open.</summary>
    internal bool ClosesPidfdAtExit(IChildExitHandler handler) => _ownsPidfd || handler is IReapGuard;

    /// <summary>Lets go of the pidfd; nobody is told of it any more by now (linux.md, rule 3).</summary>
    internal void ReleasePidfd()
    {
        if (_ownsPidfd)
            Pidfd!.Dispose();
        else if (_borrowsPidfd)
            Pidfd!.DangerousRelease();
        _ownsPidfd = _borrowsPidfd = false;
    }
}
