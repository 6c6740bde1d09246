namespace UnixLoop;

/// <summary>Is told that a child has ended, by the <see cref="IChildWatcher"/> that it was added to.</summary>
public interface IChildExitHandler
{
    /// <summary>
    /// The child is dead and about to be reaped: its pid and its process group's id are still its own, for the last time.
    /// May be called again if the reap has to be repeated; must be quick and must not throw.
    /// </summary>
    /// <param name="pid">The child.</param>
    void OnExiting(int pid);

    /// <summary>The child has been reaped, by us or by somebody else. Called exactly once.</summary>
    /// <param name="pid">The child.</param>
    /// <param name="status">How it ended.</param>
    void OnExited(int pid, in ChildExitStatus status);
}
