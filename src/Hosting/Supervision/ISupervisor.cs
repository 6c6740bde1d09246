namespace UnixLoop.Hosting;

/// <summary>
/// The processes that are supervised: those of <c>AddSupervisedProcess</c> and of the section <c>UnixEventLoop:Processes</c>. They
/// start with the host and stop with it; every member may be used from any thread. Names are compared without regard to case.
/// </summary>
/// <remarks>Before the host has been started there are none: members that take a name throw <see cref="InvalidOperationException"/>.</remarks>
public interface ISupervisor
{
    /// <summary>
    /// A process has changed its state. Called on the thread pool, for one process in the order of its changes and one at a time,
    /// for several side by side. A handler that throws is logged; one that takes its time holds up that process's supervision, so
    /// it may give commands, but must not block until one of them has ended: for its own process that would be for ever.
    /// </summary>
    event Action<SupervisedProcessStateChange>? StateChanged;

    /// <summary>All of them, by name.</summary>
    IReadOnlyList<SupervisedProcessStatus> GetProcesses();

    /// <summary>One of them.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is none of that name; the message lists those that there are.</exception>
    SupervisedProcessStatus GetProcess(string name);

    /// <summary>
    /// Starts it, or does nothing if it is running. Its delay and its count of starts begin anew. One that is being stopped is started
    /// once it has ended.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait alone.</param>
    /// <returns>What has become of it when it is ready, has ended, or waits for a restart.</returns>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="InvalidOperationException">The host is not started yet, or is draining or stopping; or a reload has taken the process out.</exception>
    Task<SupervisedProcessStatus> StartAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Stops it, and leaves it stopped until it is started here or the host is started again.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait alone.</param>
    /// <returns>What has become of it: stopped, unless somebody has started it meanwhile.</returns>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    Task<SupervisedProcessStatus> StopAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Stops it if it is running, and starts it at once. Its delay and its count of starts begin anew.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait alone.</param>
    /// <returns>What has become of it when it is ready, has ended, or waits for a restart.</returns>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="InvalidOperationException">The host is not started yet, or is draining or stopping; or a reload has taken the process out.</exception>
    Task<SupervisedProcessStatus> RestartAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Signals the process itself, not its group. Its state does not change by that; an end that follows is one by itself.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="signal">Which signal.</param>
    /// <returns>False if it is not running.</returns>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="UnauthorizedAccessException">EPERM: it runs as another user.</exception>
    bool Signal(string name, UnixSignal signal);
}
