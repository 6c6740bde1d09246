namespace UnixLoop.Hosting;

/// <summary>How the default loop learns that children have ended.</summary>
public enum ChildWatcherKind
{
    /// <summary>Pidfds where kernel and sandbox allow them, else threads: probed when the host starts, and logged with the reason.</summary>
    Auto,

    /// <summary><see cref="PidfdChildWatcher"/>; where pidfds are missing or forbidden, the host does not start.</summary>
    Pidfd,

    /// <summary><see cref="ThreadedChildWatcher"/>: a thread a child.</summary>
    Threaded,

    /// <summary><see cref="SafeChildWatcher"/>: each SIGCHLD asks after every child. As PID 1 the host does not start.</summary>
    Safe,

    /// <summary><see cref="FastChildWatcher"/>: each SIGCHLD asks the kernel who is dead. As PID 1 the host does not start.</summary>
    Fast,

    /// <summary><see cref="MultiLoopChildWatcher"/>: as Safe, for children of several loops. As PID 1 the host does not start.</summary>
    MultiLoop,
}
