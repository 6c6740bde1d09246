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
}
