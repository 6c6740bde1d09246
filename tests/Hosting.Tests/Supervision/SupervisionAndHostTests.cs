using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>Start, drain, stop and failure of the host with supervised processes in it.</summary>
public sealed class SupervisionAndHostTests : IDisposable
{
    private const string Forever = "exec sleep 1000";
    private const string Deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done";

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Drain_ChildEnds_IsNotStartedAgain()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            builder.AddSupervisedProcess("web", options => SupervisedHost.Shell(options, Forever));
            builder.AddSupervisedProcess("serves-on", options => SupervisedHost.Shell(options, Forever));
        });
        host.Expect("web", SupervisedProcessState.Ready);
        host.Expect("serves-on", SupervisedProcessState.Ready);

        host.Services.GetRequiredService<UnixHostDrain>().Begin();
        Assert.True(host.Supervisor.Signal("web", UnixSignal.Kill));

        Assert.Equal(1, host.Expect("web", SupervisedProcessState.Stopped).Starts);
        Assert.Equal(SupervisedProcessState.Ready, host.Supervisor.GetProcess("serves-on").State);
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => host.Supervisor.StartAsync("web"));
        Assert.Contains("'web'", e.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Supervisor.RestartAsync("web"));
        Assert.Equal(SupervisedProcessState.Stopped, (await host.Supervisor.StopAsync("serves-on").WaitAsync(TestTimeout)).State);
    }

    [Fact]
    public async Task Supervisor_AskedForBeforeTheStart_IsDisposedBeforeTheLoopItNeeds()
    {
        IHost host = TestHost.Build(services => services.AddUnixEventLoop().AddSupervisedProcess("web", options => SupervisedHost.Shell(options, Forever)));
        ISupervisor supervisor = host.Services.GetRequiredService<ISupervisor>();
        await host.StartAsync().WaitAsync(TestTimeout);
        Eventually.True(() => supervisor.GetProcess("web").State == SupervisedProcessState.Ready, "the process runs");
        var log = host.Services.GetFakeLogCollector();

        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(TestTimeout);

        // A disposal without a stop kills at once.
        Assert.DoesNotContain(log.GetSnapshot(), record => record.Level >= LogLevel.Warning && record.Id.Name != "ProcessKilled");
    }

    [Fact]
    public async Task Drain_WhileBackingOff_EndsTheDelay()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exit 1", options =>
        {
            options.RestartDelay = TimeSpan.FromHours(1);
            options.MaxRestartDelay = TimeSpan.FromHours(1);
        });
        host.Expect("web", SupervisedProcessState.BackingOff);
        host.Services.GetRequiredService<UnixHostDrain>().Begin();
        host.Expect("web", SupervisedProcessState.Stopped);
    }

    [Fact]
    public async Task BackingOff_Clock_IsTheHosts()
    {
        var clock = new FakeTimeProvider();
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(clock);
            builder.AddSupervisedProcess("web", options => SupervisedHost.Shell(
                options, "exit 1", o => (o.RestartDelay, o.MaxRestartDelay) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1))));
        });
        for (int starts = 1; starts <= 4; starts++)
        {
            host.Expect("web", status => status.State == SupervisedProcessState.BackingOff && status.Starts == starts, $"backing off after {starts} starts");
            clock.Advance(TimeSpan.FromHours(1));
        }
    }

    [Fact]
    public async Task Log_Scopes_AreNotThoseOfTheStarter()
    {
        HashSet<string?> names = [];
        using var activity = new System.Diagnostics.Activity("starter").Start();
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exec sleep 1000", options => options.AutoStart = false);
        host.Supervisor.StateChanged += _ => names.Add(System.Diagnostics.Activity.Current?.OperationName);
        await host.Supervisor.StartAsync("web").WaitAsync(TestTimeout);
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal([null], names);
    }

    [Fact]
    public async Task Stop_SeveralGraces_RunSideBySideBesideTheHostsOtherChildren()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            builder.AddSupervisedProcess("deaf", options => SupervisedHost.Shell(options, Deaf, o => (o.ReadyPattern, o.StopGrace) = ("up", TimeSpan.FromMilliseconds(100))));
            // Its grace is longer than that of the host's children, and it needs it.
            builder.AddSupervisedProcess("late", options => SupervisedHost.Shell(
                options, "trap 'sleep 0.5; exit 7' TERM; echo up; while :; do sleep 0.05; done", o => (o.ReadyPattern, o.StopGrace) = ("up", TimeSpan.FromSeconds(20))));
            builder.Services.Configure<UnixEventLoopOptions>(options => options.ChildStopGrace = TimeSpan.FromMilliseconds(100));
        });
        host.Expect("deaf", SupervisedProcessState.Ready);
        host.Expect("late", SupervisedProcessState.Ready);
        await using ISubprocess other = await host.Services.GetRequiredService<ISubprocessFactory>().StartAsync(new("sleep", "1000"));

        await host.StopAsync();

        Assert.Equal(UnixSignal.Kill, Assert.Single(host.Supervisor.GetProcess("deaf").LastExits).Status!.Value.Signal);
        Assert.Equal(7, Assert.Single(host.Supervisor.GetProcess("late").LastExits).Status!.Value.ExitCode);
        Assert.Equal(UnixSignal.Term, (await other.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.Equal(0, host.Count("DetachedWithChildren"));
        Assert.Equal(1, host.Count("ProcessKilled"));
    }

    [Fact]
    public async Task Stop_GraceOfZero_KillsWithoutAWarning()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("deaf", Deaf, options => (options.ReadyPattern, options.StopGrace) = ("up", TimeSpan.Zero));
        host.Expect("deaf", SupervisedProcessState.Ready);
        await host.StopAsync();
        Assert.Equal(UnixSignal.Kill, Assert.Single(host.Supervisor.GetProcess("deaf").LastExits).Status!.Value.Signal);
        Assert.Equal(0, host.Count("ProcessKilled"));
    }

    [Fact]
    public async Task Stop_HostsTimeIsOver_SkipsTheGraces()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            builder.AddSupervisedProcess("deaf", options => SupervisedHost.Shell(options, Deaf, o => (o.ReadyPattern, o.StopGrace) = ("up", TimeSpan.FromMinutes(10))));
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMinutes(20));
        });
        host.Expect("deaf", SupervisedProcessState.Ready);
        var supervisor = (UnixLoop.Hosting.Supervision.Supervisor)host.Supervisor;
        await supervisor.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Kill, Assert.Single(host.Supervisor.GetProcess("deaf").LastExits).Status!.Value.Signal);
        Assert.Equal(0, host.Count("ProcessNotReaped"));
        Assert.Equal(1, host.Count("ProcessKilled"));
    }

    [Fact]
    public async Task Stop_HostsTimeIsOverBeforeTheStopsTurn_TellsOfTheKill()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("deaf", Deaf, options => (options.ReadyPattern, options.AutoStart) = ("up", false));
        using ManualResetEventSlim hold = new();
        host.Supervisor.StateChanged += change =>
        {
            if (change.Current == SupervisedProcessState.Ready)
                hold.Wait(TestTimeout);
        };
        _ = host.Supervisor.StartAsync("deaf");
        host.Expect("deaf", SupervisedProcessState.Ready);

        Task stop = ((UnixLoop.Hosting.Supervision.Supervisor)host.Supervisor).StopAsync(new CancellationToken(canceled: true));
        host.ExpectEvent("ProcessKilled");
        hold.Set();
        await stop.WaitAsync(TestTimeout);
        Assert.Equal(1, host.Count("ProcessKilled"));
        Assert.Equal(UnixSignal.Kill, Assert.Single(host.Supervisor.GetProcess("deaf").LastExits).Status!.Value.Signal);
    }

    [Fact]
    public async Task Start_AnotherServiceFails_LeavesNoChild()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => SupervisedHost.StartAsync(builder =>
        {
            builder.AddSupervisedProcess("deaf", options => SupervisedHost.Shell(options, Deaf));
            builder.Services.AddHostedService<FailingService>();
        }));
        Assert.Equal("the start fails", e.Message);
    }

    [Fact]
    public async Task StopHostOnFailure_ProcessFails_StopsTheApplicationWithExitCodeOne()
    {
        Assert.Equal(0, Environment.ExitCode);
        try
        {
            await using SupervisedHost host = await SupervisedHost.StartAsync("vital", "exit 1", options =>
            {
                options.Restart = RestartPolicy.Never;
                options.StopHostOnFailure = true;
            });
            CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            Eventually.True(() => stopping.IsCancellationRequested, "the application stops");
            Assert.Equal(1, Environment.ExitCode);
            host.ExpectEvent("HostStoppedByProcess");
        }
        finally
        {
            Environment.ExitCode = 0;
        }
    }

    [Fact]
    public async Task Start_Mistakes_AreListedWithThoseOfTheLoop()
    {
        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => SupervisedHost.StartAsync(
            builder =>
            {
                builder.AddSupervisedProcess("code", options => options.StopGrace = TimeSpan.FromSeconds(29.5));
                builder.Services.Configure<UnixEventLoopOptions>(options => options.ShutdownDelay = TimeSpan.FromSeconds(-1));
            },
            new() { ["UnixEventLoop:Processes:file:FileName"] = "x", ["UnixEventLoop:Processes:file:ReadyTimeout"] = "soon" }));
        Assert.Equal(4, e.Failures.Count());
        Assert.Contains(e.Failures, f => f.Contains("ShutdownDelay"));
        Assert.Contains("Process 'code': FileName is empty; it must name a program.", e.Failures);
        Assert.Contains(e.Failures, f => f.StartsWith("Process 'code': StopGrace is 00:00:29.5000000 and HostOptions.ShutdownTimeout is 00:00:30;", StringComparison.Ordinal));
        Assert.Contains(e.Failures, f => f.StartsWith("Process 'file': ", StringComparison.Ordinal) && f.Contains("'soon'") && f.Contains("UnixEventLoop:Processes:file:ReadyTimeout"));
    }

    [Fact]
    public async Task Commands_BeforeTheStart_SayWhy()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().AddSupervisedProcess("web", options => options.FileName = "true"));
        ISupervisor supervisor = host.Services.GetRequiredService<ISupervisor>();
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => supervisor.StartAsync("web"));
        Assert.Contains("host has not been started", e.Message);
        Assert.Empty(supervisor.GetProcesses());
    }

    [Fact]
    public void Add_NamesThatDifferByCase_AreRefused()
    {
        IUnixEventLoopBuilder builder = new ServiceCollection().AddUnixEventLoop();
        builder.AddSupervisedProcess("web", _ => { }).AddSupervisedProcess("web", _ => { });
        Assert.Throws<ArgumentException>(() => builder.AddSupervisedProcess("Web", _ => { }));
        Assert.Throws<ArgumentException>(() => builder.AddSupervisedProcess(" ", _ => { }));
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddUnixEventLoop("io").AddSupervisedProcess("web", _ => { }));
    }

    [Fact]
    public async Task Metrics_StartsRestartsAndState_AreCounted()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("loop", "exit 1", options => (options.MaxStarts, options.AutoStart) = (3, false));
        IMeterFactory meters = host.Services.GetRequiredService<IMeterFactory>();
        using var starts = new MetricCollector<long>(meters, "UnixLoop", "unixloop.processes.starts");
        using var restarts = new MetricCollector<long>(meters, "UnixLoop", "unixloop.processes.restarts");
        using var state = new MetricCollector<long>(meters, "UnixLoop", "unixloop.processes.state");
        state.RecordObservableInstruments();
        await host.Supervisor.StartAsync("loop").WaitAsync(TestTimeout);
        host.Expect("loop", SupervisedProcessState.Failed);
        state.RecordObservableInstruments();

        Assert.Equal(3, starts.GetMeasurementSnapshot().Sum(measurement => measurement.Value));
        Assert.Equal(2, restarts.GetMeasurementSnapshot().Sum(measurement => measurement.Value));
        Assert.Equal(["stopped", "failed"], state.GetMeasurementSnapshot().Select(measurement => measurement.Tags["unixloop.process.state"]));
        Assert.All(state.GetMeasurementSnapshot(), measurement => Assert.Equal("loop", measurement.Tags["unixloop.process.name"]));
    }

    private sealed class FailingService : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("the start fails");

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
