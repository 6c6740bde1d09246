using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Supervision;

/// <summary>The supervised processes of a host, from its start to its stop.</summary>
/// <remarks>
/// Their children are made by a factory of its own, so that the host's stop of all other children, which has one grace for all, passes
/// them by. What that factory needs is asked for at once: a service provider disposes in reverse, and the loop must outlive us.
/// </remarks>
internal sealed partial class Supervisor : ISupervisor, ISupervisionObserver, IAsyncDisposable, IDisposable
{
    private readonly IServiceProvider _services;
    private readonly UnixEventLoop _loop;
    private readonly IChildWatcher _watcher;
    private readonly ProcessCatalog _catalog;
    private readonly IUnixHostDrain _drain;
    private readonly IHostApplicationLifetime _application;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ILogger _ending;
    private readonly CancellationTokenSource _hurry = new();

    // Guards what follows. Taken by processes, which hold nothing of their own meanwhile.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.OrdinalIgnoreCase);
    private SupervisionContext? _context;
    private SubprocessFactory? _children;
    private ProcessReloads? _reloads;
    private CancellationTokenRegistration _draining;
    private bool _isDraining;
    private bool _isLeftTold;

    public Supervisor(
        IServiceProvider services, UnixEventLoop loop, IChildWatcher watcher, ProcessCatalog catalog, IUnixHostDrain drain, IHostApplicationLifetime application, ShutdownLog log)
    {
        _services = services;
        _loop = loop;
        _watcher = watcher;
        _catalog = catalog;
        _drain = drain;
        _application = application;
        _clock = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _logger = new ForgivingLogger(log.OnceStopping.CreateLogger(SupervisionLog.Category));
        _ending = log.CreateLogger(SupervisionLog.Category);
    }

    public event Action<SupervisedProcessStateChange>? StateChanged;

    /// <summary>The loop runs: starts what is to be started with the host.</summary>
    internal void Start()
    {
        var mistakes = new List<string>();
        IReadOnlyDictionary<string, SupervisedProcessOptions> wanted = _catalog.Read(mistakes);
        if (mistakes.Count > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(SupervisedProcessOptions), mistakes);

        // The runtime makes its timer thread, and a pipe for it, with the first timer: not in a back-off for want of descriptors.
        _clock.CreateTimer(static _ => { }, null, TimeSpan.FromDays(1), Timeout.InfiniteTimeSpan).Dispose();
        _children = new SubprocessFactory(_loop, _watcher);
        // Listeners are told of new instruments, and may ask for the processes: not with the lock.
        var metrics = new SupervisionMetrics(_services.GetRequiredService<IMeterFactory>(), GetProcesses);
        lock (_lock)
        {
            _context = new SupervisionContext
            {
                Children = _children,
                Clock = _clock,
                Random = Random.Shared,
                LoggerFactory = _services.GetRequiredService<ILoggerFactory>(),
                Logger = _logger,
                Ending = _ending,
                Metrics = metrics,
                DefaultGrace = _services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value.ChildStopGrace,
                Hurry = _hurry.Token,
                Observer = this,
            };
            foreach ((string name, SupervisedProcessOptions options) in wanted)
                AddNeedsLock(name, options);
        }

        _reloads = new ProcessReloads(_catalog, _clock, _logger, TryApply);
        _draining = _drain.Draining.UnsafeRegister(static supervisor => ((Supervisor)supervisor!).BeginDraining(), this);
    }

    /// <summary>Each by its own signal and grace, side by side; once the host's time is over, by KILL.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        BeginDraining();
        await _draining.DisposeAsync().ConfigureAwait(false);
        // One that is under way changes nothing any more; a source or a log that holds it must not cost the processes their time.
        Task reloads = _reloads?.DisposeAsync().AsTask() ?? Task.CompletedTask;

        SupervisedProcess[] processes = Snapshot();
        Task stopped = Task.WhenAll(processes.Select(process => process.CommandAsync(SupervisionTrigger.Stop)));
        using (cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _hurry))
        {
            await stopped.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stopped.IsCompleted)
            {
                // By ourselves too: a supervision may not get to it, as where it waits for the log. From here the reaps have their one bound.
                Task reaped = _children?.StopAllAsync(TimeSpan.Zero, cancellationToken) ?? Task.CompletedTask;
                await Task.WhenAll(stopped, reaped).WaitAsync(UnixEventLoopOptionsRules.ReapBound, _clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await reloads.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // The host's disposal comes here again.
        bool isTold = Interlocked.Exchange(ref _isLeftTold, true);
        bool isAnyLeft = false;
        foreach (SupervisedProcess process in processes)
        {
            if (process.Status.State != SupervisedProcessState.Stopped)
            {
                isAnyLeft = true;
                if (!isTold)
                    process.TellLeft();
            }

            process.Close();
        }

        // Also where a supervision has failed: its child is not left behind.
        if (isAnyLeft && _children is not null)
            await _children.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>KILL at once: the host did not come to its orderly stop. Idempotent.</summary>
    internal async Task KillAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        if (_children is not null)
            await _children.DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync() => await KillAsync().ConfigureAwait(false);

    public void Dispose() => KillAsync().GetAwaiter().GetResult();

    public void OnStateChanged(in SupervisedProcessStateChange change)
    {
        if (StateChanged is not { } handlers)
            return;
        foreach (Action<SupervisedProcessStateChange> handler in Delegate.EnumerateInvocationList(handlers))
            Tell(handler, change);
    }

    /// <summary>A program whose Main returns an int overrides the exit code (docs/hosting.md).</summary>
    public void StopHost()
    {
        Environment.ExitCode = 1;
        // Not here: its callbacks belong to the application, and one that waits for a process would wait for itself.
        _ = Task.Run(_application.StopApplication);
    }

    public bool TryForget(SupervisedProcess process)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(process.Name, out Entry? entry) && entry.Process == process && !entry.IsWanted
                && _entries.Remove(process.Name);
        }
    }

    /// <summary>What ends from now on stays so.</summary>
    private void BeginDraining()
    {
        lock (_lock)
        {
            if (_isDraining)
                return;
            _isDraining = true;
            foreach (Entry entry in _entries.Values)
                _ = entry.Process.CommandAsync(SupervisionTrigger.Drain);
        }
    }

    /// <summary>False if it is too late for changes.</summary>
    private bool TryApply(IReadOnlyDictionary<string, SupervisedProcessOptions> wanted, out ProcessChanges changes)
    {
        changes = default;
        lock (_lock)
        {
            if (_isDraining)
                return false;
            foreach (Entry entry in _entries.Values.Where(entry => entry.IsWanted && !wanted.ContainsKey(entry.Process.Name)))
            {
                entry.IsWanted = false;
                changes.Removed++;
                _ = entry.Process.CommandAsync(SupervisionTrigger.Stop);
            }

            foreach ((string name, SupervisedProcessOptions options) in wanted)
                ApplyNeedsLock(name, options, ref changes);
            return true;
        }
    }

    private void ApplyNeedsLock(string name, SupervisedProcessOptions options, ref ProcessChanges changes)
    {
        if (!_entries.TryGetValue(name, out Entry? entry))
        {
            AddNeedsLock(name, options);
            changes.Added++;
        }
        else if (!entry.IsWanted)
        {
            // Still on its way out: never two of one name.
            entry.IsWanted = true;
            entry.Options = options;
            entry.Process.Reconfigure(options, isBack: true);
            changes.Added++;
        }
        else if (!entry.Options.IsSameAs(options))
        {
            entry.Options = options;
            entry.Process.Reconfigure(options, isBack: false);
            changes.Changed++;
        }
        else
        {
            changes.Kept++;
        }
    }

    private void AddNeedsLock(string name, SupervisedProcessOptions options)
    {
        var process = new SupervisedProcess(name, options, _context!);
        _entries.Add(name, new Entry(process, options));
        if (options.AutoStart)
            _ = process.CommandAsync(SupervisionTrigger.Start);
    }

    private SupervisedProcess[] Snapshot()
    {
        lock (_lock)
            return [.. _entries.Values.Select(entry => entry.Process)];
    }

    private sealed class Entry(SupervisedProcess process, SupervisedProcessOptions options)
    {
        internal SupervisedProcess Process { get; } = process;

        internal SupervisedProcessOptions Options { get; set; } = options;

        /// <summary>False once a reload has taken it out: it goes when it has stopped.</summary>
        internal bool IsWanted { get; set; } = true;
    }
}
