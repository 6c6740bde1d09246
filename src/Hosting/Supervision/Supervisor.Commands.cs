using System.Diagnostics.CodeAnalysis;

namespace UnixLoop.Hosting.Supervision;

/// <summary>What the application asks of it.</summary>
internal sealed partial class Supervisor
{
    public IReadOnlyList<SupervisedProcessStatus> GetProcesses() =>
        [.. Snapshot().Select(process => process.Status).OrderBy(status => status.Name, StringComparer.OrdinalIgnoreCase)];

    public SupervisedProcessStatus GetProcess(string name) => Find(name).Status;

    public Task<SupervisedProcessStatus> StartAsync(string name, CancellationToken cancellationToken = default) =>
        RunAsync(name, SupervisionTrigger.Start, cancellationToken);

    public Task<SupervisedProcessStatus> StopAsync(string name, CancellationToken cancellationToken = default) =>
        Find(name).CommandAsync(SupervisionTrigger.Stop).WaitAsync(cancellationToken);

    public Task<SupervisedProcessStatus> RestartAsync(string name, CancellationToken cancellationToken = default) =>
        RunAsync(name, SupervisionTrigger.Restart, cancellationToken);

    public bool Signal(string name, UnixSignal signal) => Find(name).Signal(signal);

    private Task<SupervisedProcessStatus> RunAsync(string name, SupervisionTrigger command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        Task<SupervisedProcessStatus> settled;
        // With the lock, so that it stands in the process's queue before the stop of a reload that takes the process out, or not at
        // all: behind that stop it would start what nobody stops again, or what has left.
        lock (_lock)
        {
            Entry entry = FindNeedsLock(name);
            if (_isDraining)
                throw new InvalidOperationException($"'{entry.Process.Name}' is not started: the host is shutting down.");
            if (!entry.IsWanted)
                throw new InvalidOperationException($"'{entry.Process.Name}' is not started: a reload has taken it out, and it is being stopped.");
            settled = entry.Process.CommandAsync(command);
        }

        return settled.WaitAsync(cancellationToken);
    }

    private SupervisedProcess Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
            return FindNeedsLock(name).Process;
    }

    private Entry FindNeedsLock(string name)
    {
        if (_context is null)
            throw new InvalidOperationException("The host has not been started: supervised processes start with it.");
        if (_entries.TryGetValue(name, out Entry? entry))
            return entry;
        string known = _entries.Count == 0 ? "there is none" : string.Join(", ", _entries.Keys.Order(StringComparer.OrdinalIgnoreCase));
        throw new KeyNotFoundException($"There is no supervised process '{name}'; known: {known}.");
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A handler's failure is logged; the process's supervision goes on.")]
    private void Tell(Action<SupervisedProcessStateChange> handler, in SupervisedProcessStateChange change)
    {
        try
        {
            handler(change);
        }
        catch (Exception e)
        {
            SupervisionLog.StateHandlerFailed(_logger, e);
        }
    }
}
