namespace UnixLoop;

/// <summary>
/// A process that was already there, a child of ours or anybody's, held through its pidfd (pidfd_open(2)): whatever becomes of
/// the number, the handle means the process that had it when it was opened. Every member may be used from any thread.
/// </summary>
/// <remarks>Disposing lets go of the process and leaves it alone. A handle that is dropped costs a descriptor until the process or the loop ends.</remarks>
public interface IWatchedProcess : IDisposable
{
    /// <summary>The process id that it was opened with; another process's, perhaps, once it has ended.</summary>
    int Id { get; }

    /// <summary>
    /// Waits for the end of the process. It is never reaped here. Its status is known if it is a child of ours that nobody has
    /// reaped yet, or if its parent reaps it and the kernel tells (PIDFD_GET_INFO, Linux 6.15); else it is
    /// <see cref="ChildExitKind.Unknown"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How it ended, as far as can be known.</returns>
    /// <exception cref="ObjectDisposedException">The handle was disposed, or the loop ended, before the process did.</exception>
    Task<ChildExitStatus> WaitForExitAsync(CancellationToken cancellationToken = default);

    /// <summary>Signals the process (pidfd_send_signal(2)): never one that later got its id.</summary>
    /// <param name="signal">Which signal.</param>
    /// <returns>False if it has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">EPERM: it runs as another user.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed, or the loop ended, before the process did.</exception>
    bool Signal(UnixSignal signal);
}
