using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>Commands that meet a reload, a handler or a listener at a bad moment: each ends, with the truth.</summary>
public sealed class SupervisionRacesTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    // It ends when this file has gone, and not by TERM.
    private readonly string _gate = Path.GetTempFileName();

    private string Slow => $"trap '' TERM; echo up; while [ -e {_gate} ]; do sleep 0.02; done";

    public void Dispose()
    {
        File.Delete(_gate);
        _leaks.Dispose();
    }

    [Fact]
    public async Task Start_OfOneThatAReloadIsTakingOut_IsRefusedAndItGoes()
    {
        await using SupervisedHost host = await StartAsync(Slow);
        host.Expect("web", SupervisedProcessState.Ready);
        host.Reload([]);
        host.Expect("web", SupervisedProcessState.Stopping);

        foreach (Func<string, CancellationToken, Task> command in (Func<string, CancellationToken, Task>[])[host.Supervisor.StartAsync, host.Supervisor.RestartAsync])
        {
            var e = await Assert.ThrowsAsync<InvalidOperationException>(() => command("web", CancellationToken.None)).WaitAsync(TestTimeout);
            Assert.Contains("'web' is not started: a reload has taken it out", e.Message);
        }

        Task<SupervisedProcessStatus> stop = host.Supervisor.StopAsync("web");
        File.Delete(_gate);
        Assert.Equal(SupervisedProcessState.Stopped, (await stop.WaitAsync(TestTimeout)).State);
        Eventually.True(() => host.Supervisor.GetProcesses().Count == 0, "it is gone");
        Assert.Equal(1, host.Count("ProcessStarted"));
    }

    [Fact]
    public async Task Start_BetweenTheEndAndTheLeavingOfOneThatAReloadTookOut_StartsNothing()
    {
        await using SupervisedHost host = await StartAsync("exec sleep 1000");
        host.Expect("web", SupervisedProcessState.Ready);
        using var stopped = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        host.Supervisor.StateChanged += change =>
        {
            if (change.Current != SupervisedProcessState.Stopped)
                return;
            stopped.Set();
            goOn.Wait(TestTimeout);
        };
        host.Reload([]);
        Assert.True(stopped.Wait(TestTimeout));

        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Supervisor.StartAsync("web")).WaitAsync(TestTimeout);
        Task<SupervisedProcessStatus> stop = host.Supervisor.StopAsync("web");
        goOn.Set();

        Assert.Equal(SupervisedProcessState.Stopped, (await stop.WaitAsync(TestTimeout)).State);
        Eventually.True(() => host.Supervisor.GetProcesses().Count == 0, "it is gone");
    }

    [Fact]
    public async Task Reload_OfOneThatIsBeingStoppedByCommand_LeavesItStopped()
    {
        await using SupervisedHost host = await StartAsync(Slow);
        host.Expect("web", SupervisedProcessState.Ready);
        Task<SupervisedProcessStatus> stop = host.Supervisor.StopAsync("web");
        host.Expect("web", SupervisedProcessState.Stopping);

        host.Reload(Of(Slow, ("StopSignal", "INT")));
        host.ExpectEvent("ProcessesReloaded");
        File.Delete(_gate);

        Assert.Equal(SupervisedProcessState.Stopped, (await stop.WaitAsync(TestTimeout)).State);
        Assert.Equal(1, host.Supervisor.GetProcess("web").Starts);
    }

    [Fact]
    public async Task StateChanged_HandlerGivesCommands_TheyAreObeyed()
    {
        await using SupervisedHost host = await StartAsync("exec sleep 1000");
        host.Expect("web", SupervisedProcessState.Ready);
        TaskCompletionSource<SupervisedProcessStatus> again = new(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Supervisor.StateChanged += async change =>
        {
            Assert.Single(host.Supervisor.GetProcesses());
            host.Supervisor.Signal(change.Name, UnixSignal.Cont);
            if (change.Current == SupervisedProcessState.Stopped && !again.Task.IsCompleted)
                again.TrySetResult(await host.Supervisor.StartAsync(change.Name));
        };
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal((SupervisedProcessState.Ready, 2), ((await again.Task.WaitAsync(TestTimeout)).State, host.Supervisor.GetProcess("web").Starts));
    }

    [Fact]
    public async Task StateChanged_HandlerBlocksForEver_TheHostsEndStillTakesTheChild()
    {
        await using SupervisedHost host = await StartAsync("exec sleep 1000", ("AutoStart", "false"));
        using var goOn = new ManualResetEventSlim();
        host.Supervisor.StateChanged += change =>
        {
            if (change.Current == SupervisedProcessState.Ready)
                goOn.Wait(TestTimeout);
        };
        Task<SupervisedProcessStatus> start = host.Supervisor.StartAsync("web");
        int pid = host.Expect("web", SupervisedProcessState.Ready).ProcessId!.Value;

        await ((Supervisor)host.Supervisor).StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);

        Assert.False(Directory.Exists($"/proc/{pid}"));
        goOn.Set();
        await start.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Metrics_ListenerThrows_TheSupervisionGoesOn()
    {
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name.StartsWith("unixloop.processes.", StringComparison.Ordinal))
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidTimeZoneException("a listener's"));
        listener.Start();
        await using SupervisedHost host = await StartAsync("exec sleep 1000", ("RestartDelay", "00:00:00"));
        host.Expect("web", SupervisedProcessState.Ready);
        Assert.True(host.Supervisor.Signal("web", UnixSignal.Kill));
        host.Expect("web", status => status is { State: SupervisedProcessState.Ready, Restarts: 1 }, "started again");
        Assert.Equal(0, host.Count("SupervisionFailed"));
    }

    /// <summary>What makes it fail is the clock here; whoever waits is told all the same, also behind the step that failed.</summary>
    [Fact]
    public async Task Commands_SupervisionFails_AllEnd()
    {
        using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var clock = new FailingClock();
        var host = new Host();
        var process = new SupervisedProcess("web", new SupervisedProcessOptions { FileName = "true" }, new SupervisionContext
        {
            Children = null!,
            Clock = clock,
            Random = Random.Shared,
            LoggerFactory = NullLoggerFactory.Instance,
            Logger = NullLogger.Instance,
            Ending = NullLogger.Instance,
            Metrics = new SupervisionMetrics(meters.GetRequiredService<IMeterFactory>(), static () => []),
            DefaultGrace = TimeSpan.Zero,
            Hurry = CancellationToken.None,
            Observer = host,
        });
        Task<SupervisedProcessStatus> fails = process.CommandAsync(SupervisionTrigger.Start);
        Assert.True(clock.IsAsked.Wait(TestTimeout));
        Task<SupervisedProcessStatus>[] behind = [process.CommandAsync(SupervisionTrigger.Start), process.CommandAsync(SupervisionTrigger.Stop)];
        clock.Fail.Set();

        await Task.WhenAll([fails, .. behind]).WaitAsync(TestTimeout);
        await process.CommandAsync(SupervisionTrigger.Restart).WaitAsync(TestTimeout);
        await host.IsStopped.Task.WaitAsync(TestTimeout);
    }

    private Task<SupervisedHost> StartAsync(string script, params (string Key, string Value)[] more) => SupervisedHost.StartAsync(_ => { }, Of(script, more));

    private Dictionary<string, string?> Of(string script, params (string Key, string Value)[] more)
    {
        Dictionary<string, string?> configuration = new()
        {
            ["FileName"] = "/bin/sh",
            ["Arguments:0"] = "-c",
            ["Arguments:1"] = script,
            ["StopGrace"] = "00:00:20",
        };
        if (script == Slow)
            configuration["ReadyPattern"] = "up";
        foreach ((string key, string value) in more)
            configuration[key] = value;
        return configuration.ToDictionary(pair => $"UnixEventLoop:Processes:web:{pair.Key}", pair => pair.Value);
    }

    private sealed class FailingClock : TimeProvider
    {
        internal ManualResetEventSlim IsAsked { get; } = new();

        internal ManualResetEventSlim Fail { get; } = new();

        public override long GetTimestamp()
        {
            IsAsked.Set();
            Fail.Wait(TestTimeout);
            throw new InvalidTimeZoneException("a clock's");
        }
    }

    private sealed class Host : ISupervisionObserver
    {
        internal TaskCompletionSource IsStopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnStateChanged(in SupervisedProcessStateChange change)
        {
        }

        public void StopHost() => IsStopped.TrySetResult();

        public bool TryForget(SupervisedProcess process) => false;
    }
}
