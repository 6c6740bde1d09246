using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Hosting.Tests.Loops;

/// <summary>What children get of the host's time to stop, and what the log says where that was too little.</summary>
public sealed class ChildrenAtStopTests : IDisposable
{
    private const string Stubborn = "trap 'echo TERM' TERM; echo ready; while :; do sleep 0.1; done";

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Start_Budget_NamesTheLongestGrace()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop(static o => o.ChildStopGrace = TimeSpan.FromSeconds(1))
            .AddSupervisedProcess("web", static o => (o.FileName, o.AutoStart) = ("sleep", false))
            .AddSupervisedProcess("database", static o => (o.FileName, o.AutoStart, o.StopGrace) = ("sleep", false, TimeSpan.FromSeconds(20))));
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.Contains("(up to 00:00:20 from TERM to KILL)", host.LoggedEvent("ShutdownBudget").Message);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Stop_HostsTimeIsOver_KillsAtOnceAndSaysSo()
    {
        using IHost host = Build(grace: TimeSpan.FromMinutes(50));
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, Stubborn);

        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);

        Assert.Equal(UnixSignal.Kill, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.Contains($"Child {child.Id} ('sh') was killed without a TERM", host.LoggedEvent("ChildKilledAtOnce").Message);
        Assert.DoesNotContain("ChildKilled", host.LoggedEvents());
    }

    [Fact]
    public async Task Stop_MetricsListenerThrows_ChildrenGetTheirTermAllTheSame()
    {
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Name == "unixloop.shutdown.phase.duration")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>(static (_, _, _, _) => throw new InvalidTimeZoneException("a listener's"));
        listener.Start();
        using IHost host = Build(grace: TimeSpan.FromMinutes(50));
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, "echo ready; exec sleep 1000");

        await host.StopAsync().WaitAsync(TestTimeout);

        Assert.Equal(UnixSignal.Term, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
    }

    [Fact]
    public async Task Stop_ServiceUsesUpTheHostsTime_LeavesChildrenNoTermAndSaysSo()
    {
        using IHost host = Build(grace: TimeSpan.FromMilliseconds(100), services =>
        {
            services.AddHostedService<StopsWithTheHostsTime>();
            services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1.1));
        });
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, Stubborn);

        await Record.ExceptionAsync(() => host.StopAsync().WaitAsync(TestTimeout));

        Assert.Equal(UnixSignal.Kill, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.Contains("nothing was left of the host's time", host.LoggedEvent("ChildKilledAtOnce").Message);
    }

    [Fact]
    public async Task Stop_HostsTimeEndsDuringTheGrace_KillsAndSaysSo()
    {
        using var time = new CancellationTokenSource();
        using IHost host = Build(grace: TimeSpan.FromMinutes(50));
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, Stubborn);

        Task stop = host.StopAsync(time.Token);
        await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout); // "TERM"
        await time.CancelAsync();
        await stop.WaitAsync(TestTimeout);

        Assert.Equal(UnixSignal.Kill, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.Contains("before its grace of 00:50:00 was over", host.LoggedEvent("ChildGraceCutShort").Message);
    }

    [Fact]
    public async Task Stop_ChildOutlivesItsGrace_IsKilledAndTheLogSaysSo()
    {
        using IHost host = Build(grace: TimeSpan.FromMilliseconds(100));
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, Stubborn);

        await host.StopAsync().WaitAsync(TestTimeout);

        Assert.Equal(UnixSignal.Kill, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.Contains("outlived its grace of 00:00:00.1", host.LoggedEvent("ChildKilled").Message);
    }

    [Fact]
    public async Task Stop_GraceOfZero_KillsWithoutAWarning()
    {
        using IHost host = Build(grace: TimeSpan.Zero);
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, Stubborn);

        await host.StopAsync().WaitAsync(TestTimeout);

        Assert.Equal(UnixSignal.Kill, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).Signal);
        Assert.DoesNotContain("ChildKilled", host.LoggedEvents());
        Assert.Contains("needed KILL: 0", host.LoggedEvent("ChildrenStopped").Message);
    }

    [Fact]
    public async Task Stop_SignalHandlerHangs_ChildrenStillGetTheirTerm()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        using var time = new CancellationTokenSource();
        using IHost host = Build(grace: TimeSpan.FromMinutes(50), onUsr1: () =>
        {
            entered.SetResult();
            return release.Task;
        });
        await host.StartAsync().WaitAsync(TestTimeout);
        await using ISubprocess child = await StartAsync(host, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Usr1.Number);
        await entered.Task.WaitAsync(TestTimeout);

        Task stop = host.StopAsync(time.Token);
        Assert.Equal(7, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).ExitCode);
        Assert.False(stop.IsCompleted);
        await time.CancelAsync();
        await stop.WaitAsync(TestTimeout);
        release.SetResult();

        Assert.Contains("SignalHandlerNotFinished", host.LoggedEvents());
        Assert.Contains("ChildStopped", host.LoggedEvents());
    }

    private static IHost Build(TimeSpan grace, Action<IServiceCollection>? configure = null, Func<Task>? onUsr1 = null) => TestHost.Build(services =>
    {
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromHours(1));
        IUnixEventLoopBuilder loop = services.AddUnixEventLoop(o => o.ChildStopGrace = grace);
        if (onUsr1 is not null)
            loop.OnSignal(UnixSignal.Usr1, (_, _) => onUsr1());
        configure?.Invoke(services);
    });

    private static async Task<ISubprocess> StartAsync(IHost host, string script)
    {
        ISubprocess child = await host.Services.GetRequiredService<ISubprocessFactory>().StartAsync(
            new SubprocessStartInfo("sh", "-c", script) { Output = Stdio.Pipe });
        System.IO.Pipelines.ReadResult ready = await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout);
        child.Output.AdvanceTo(ready.Buffer.End);
        return child;
    }

    private sealed class StopsWithTheHostsTime : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) =>
            new TaskCompletionSource().Task.WaitAsync(cancellationToken);
    }
}
