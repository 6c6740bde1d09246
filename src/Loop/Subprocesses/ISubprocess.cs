using System.IO.Pipelines;

namespace UnixLoop;

/// <summary>A child process that was started. Every member may be used from any thread.</summary>
/// <remarks>
/// Disposing kills a child that still runs (its whole group, if it leads one), and waits until it is reaped; a finished one is left
/// alone, and so is one that runs as another user and may not be killed (EPERM), which is logged. A handle that is dropped without disposing leaves the child running, watched and reaped at its end.
/// </remarks>
public interface ISubprocess : IAsyncDisposable
{
    /// <summary>The process id; meaningful for other calls only while the child has not been reaped.</summary>
    int Id { get; }

    /// <summary>What was started.</summary>
    string FileName { get; }

    /// <summary>Writes to the child's standard input; completing it closes the pipe. Flushing waits while the child does not read.</summary>
    /// <exception cref="InvalidOperationException">Standard input is not a pipe.</exception>
    PipeWriter Input { get; }

    /// <summary>Reads the child's standard output. While nobody reads, the child is held back at the high-water mark.</summary>
    /// <exception cref="InvalidOperationException">Standard output is not a pipe.</exception>
    PipeReader Output { get; }

    /// <summary>Reads the child's standard error, as <see cref="Output"/> does.</summary>
    /// <exception cref="InvalidOperationException">Standard error is not a pipe.</exception>
    PipeReader Error { get; }

    /// <summary>How it ended; null while it runs.</summary>
    ChildExitStatus? ExitStatus { get; }

    /// <summary>
    /// Waits for the exit of the child itself (asyncio: <c>Process.wait</c>): grandchildren may live on and hold its pipes open,
    /// and output may still be unread.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the child.</param>
    /// <returns>How it ended. Continues on the thread pool, or on the captured context.</returns>
    Task<ChildExitStatus> WaitForExitAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits for the exit, then until the output pipes have reached their end, or for <paramref name="bound"/> after the exit.
    /// Somebody must read <see cref="Output"/> and <see cref="Error"/> meanwhile.
    /// </summary>
    /// <param name="bound">How long pipes may stay open after the exit (a grandchild may hold them); zero or more.</param>
    /// <param name="cancellationToken">Ends the wait, not the child.</param>
    /// <returns>How it ended, and whether the bound cut the output short: then the pipes have been closed.</returns>
    Task<(ChildExitStatus Status, bool Truncated)> WaitForExitAndDrainAsync(TimeSpan bound, CancellationToken cancellationToken = default);

    /// <summary>Signals the child (pidfd_send_signal(2)): never a process that later got its pid.</summary>
    /// <param name="signal">Which signal.</param>
    /// <returns>False if the child has ended already.</returns>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child runs as another user.</exception>
    bool Signal(UnixSignal signal);

    /// <summary>Changes the window size of the child's terminal; its foreground group gets SIGWINCH (ioctl_tty(2), TIOCSWINSZ). Does nothing once the child has ended.</summary>
    /// <param name="columns">The width in characters, 1 to 65,535.</param>
    /// <param name="rows">The height in lines, 1 to 65,535.</param>
    /// <exception cref="InvalidOperationException">None of the child's streams is a <see cref="Stdio.Pty"/>.</exception>
    void Resize(int columns, int rows);

    /// <summary>
    /// Stops the child and its group by the ladder TERM (or its <see cref="SubprocessStartInfo.StopSignal"/>), CONT, wait, KILL.
    /// A child in our own group is signalled alone.
    /// </summary>
    /// <param name="grace">How long it may take between TERM and KILL; zero kills at once.</param>
    /// <param name="cancellationToken">Skips what is left of the grace: KILL follows at once, and the reap is still awaited.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The grace is below zero or above 49.7 days.</exception>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child runs as another user.</exception>
    Task<ChildExitStatus> StopAsync(TimeSpan grace, CancellationToken cancellationToken = default);

    /// <summary>
    /// Stops the child by the ladder, and with it all that it has started and that is still in its process group, or in its
    /// session where it leads one (<see cref="ProcessGroup.NewSession"/>). The grace is the child's: what it leaves behind at its
    /// end is killed then. What has left group and session lives on and is told of.
    /// </summary>
    /// <param name="grace">How long the child may take between TERM and KILL; zero kills at once.</param>
    /// <param name="cancellationToken">Skips what is left of the grace.</param>
    /// <returns>
    /// How the child ended, and which of its descendants live on. Descendants are looked for in /proc before the first signal:
    /// one whose parent had ended by then, and which had left group and session, can't be told from a stranger.
    /// </returns>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child runs as another user.</exception>
    /// <exception cref="IOException">/proc could not be read (EMFILE, not mounted); the child and its group were stopped all the same.</exception>
    Task<(ChildExitStatus Status, IReadOnlyList<SurvivingProcess> Survivors)> StopTreeAsync(TimeSpan grace, CancellationToken cancellationToken = default);
}
