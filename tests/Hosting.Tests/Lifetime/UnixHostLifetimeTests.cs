using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Hosting.Tests.Lifetime;

/// <summary>The order of a shutdown with a fake clock; real signals and the forced exit need a process each (Process.Tests).</summary>
public sealed class UnixHostLifetimeTests : IAsyncDisposable
{
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _clock = new();
    private readonly List<IHost> _hosts = [];

    public async ValueTask DisposeAsync()
    {
        foreach (IHost host in _hosts)
        {
            await host.StopAsync().WaitAsync(TestTimeout);
            host.Dispose();
        }
    }

    [Fact]
    public async Task Signal_WithDelay_DrainsForTheDelayThenStops()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);
        CancellationToken draining = host.Services.GetRequiredService<IUnixHostDrain>().Draining;
        CancellationToken stopping = Stopping(host);
        Assert.False(draining.IsCancellationRequested);

        lifetime.OnSignal(UnixSignal.Term);

        Assert.True(draining.IsCancellationRequested);
        Assert.False(stopping.IsCancellationRequested);
        _clock.Advance(Delay - TimeSpan.FromMilliseconds(1));
        Assert.False(stopping.IsCancellationRequested);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(stopping.IsCancellationRequested);
        Assert.Equal(["ApplicationStarted", "Draining", "Drained", "ApplicationStopping"], LifetimeEvents(host));
    }

    /// <summary>The log of each phase is seen in Process.Tests.</summary>
    [Fact]
    public async Task Phases_EachIsASpanAndMeasured()
    {
        string[] phases = ["draining", "services", "children", "loops"];
        ConcurrentQueue<string> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "UnixLoop",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => spans.Enqueue(span.OperationName),
        };
        ActivitySource.AddActivityListener(listener);
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);
        using MetricCollector<double> measured = new(host.Services.GetRequiredService<IMeterFactory>(), "UnixLoop", "unixloop.shutdown.phase.duration");

        lifetime.OnSignal(UnixSignal.Term);
        _clock.Advance(Delay);
        await host.StopAsync().WaitAsync(TestTimeout);

        IReadOnlyList<CollectedMeasurement<double>> snapshot = measured.GetMeasurementSnapshot();
        Assert.Equal(phases, snapshot.Select(measurement => (string)measurement.Tags["unixloop.shutdown.phase"]!));
        Assert.Equal(Delay.TotalSeconds, snapshot[0].Value);
        // Other hosts of this process may stop meanwhile.
        Assert.Subset(spans.ToHashSet(), phases.Select(static phase => $"shutdown {phase}").ToHashSet());
    }

    [Fact]
    public async Task Signal_Second_CutsTheDelayShort()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);

        lifetime.OnSignal(UnixSignal.Term);
        lifetime.OnSignal(UnixSignal.Int);

        Assert.True(Stopping(host).IsCancellationRequested);
        Assert.Equal(["ApplicationStarted", "Draining", "StoppingBySignal", "ApplicationStopping"], LifetimeEvents(host));
        _clock.Advance(Delay);
        Assert.DoesNotContain("Drained", host.LoggedEvents());
    }

    [Fact]
    public async Task Signal_WithoutDelay_DrainsAndStopsAtOnce()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(TimeSpan.Zero);

        lifetime.OnSignal(UnixSignal.Quit);

        Assert.True(Stopping(host).IsCancellationRequested);
        Assert.True(host.Services.GetRequiredService<IUnixHostDrain>().Draining.IsCancellationRequested);
        Assert.Contains("SIGQUIT", host.LoggedEvent("StoppingBySignal").Message);
    }

    [Fact]
    public async Task Stop_ByTheApplication_DrainsToo()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);

        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        lifetime.OnSignal(UnixSignal.Term);

        Assert.True(host.Services.GetRequiredService<IUnixHostDrain>().Draining.IsCancellationRequested);
        Assert.Equal(["ApplicationStarted", "ApplicationStopping", "SignalWhileStopping"], LifetimeEvents(host));
    }

    [Fact]
    public async Task DrainCallback_Throwing_IsLoggedAndStopsNothing()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);
        host.Services.GetRequiredService<IUnixHostDrain>().Draining.Register(() => throw new InvalidOperationException("drain"));

        lifetime.OnSignal(UnixSignal.Term);
        _clock.Advance(Delay);

        Assert.Contains("DrainCallbackFailed", host.LoggedEvents());
        Assert.True(Stopping(host).IsCancellationRequested);
    }

    [Fact]
    public async Task DrainCallback_Hanging_HoldsUpNeitherDelayNorSecondSignal()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(Delay);
        using var hang = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        host.Services.GetRequiredService<IUnixHostDrain>().Draining.Register(() =>
        {
            entered.Set();
            hang.Wait(TestTimeout);
        });

        Task first = Task.Factory.StartNew(() => lifetime.OnSignal(UnixSignal.Term), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(entered.Wait(TestTimeout));
        _clock.Advance(Delay);

        Assert.True(Stopping(host).IsCancellationRequested);
        hang.Set();
        await first.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task StatusMessages_Suppressed_AreNotLogged()
    {
        (IHost host, UnixHostLifetime lifetime) = await StartAsync(
            TimeSpan.Zero, services => services.Configure<ConsoleLifetimeOptions>(o => o.SuppressStatusMessages = true));

        lifetime.OnSignal(UnixSignal.Term);

        Assert.Equal(["StoppingBySignal"], LifetimeEvents(host));
    }

    [Fact]
    public async Task Signal_DuringStart_CancelsIt()
    {
        var starting = new TaskCompletionSource();
        IHost host = Build(Delay, services => services.AddHostedService(_ => new SlowStart(starting)));
        Task start = host.StartAsync();
        await starting.Task.WaitAsync(TestTimeout);

        Assert.IsType<UnixHostLifetime>(host.Services.GetRequiredService<IHostLifetime>()).OnSignal(UnixSignal.Term);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(TestTimeout));
        Assert.Contains("StartCancelled", host.LoggedEvents());
        Assert.DoesNotContain("ApplicationStarted", host.LoggedEvents());
    }

    [Fact]
    public async Task Start_OffLinux_ThrowsPlatformNotSupported()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddSingleton(new HostPlatform(IsLinux: false));
            services.AddUnixEventLoop();
            services.AddHostedService<NeedsTheLoop>();
        });

        var e = await Assert.ThrowsAsync<PlatformNotSupportedException>(() => host.StartAsync().WaitAsync(TestTimeout));

        Assert.Contains("OperatingSystem.IsLinux()", e.Message);
    }

    [Fact]
    public async Task Start_OffLinuxWithAnotherLifetime_ThrowsPlatformNotSupported()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddSingleton(new HostPlatform(IsLinux: false));
            services.AddUnixEventLoop();
            services.Remove(services.Last(d => d.ServiceType == typeof(IHostLifetime)));
            services.AddSingleton<IHostLifetime, Microsoft.Extensions.Hosting.Internal.ConsoleLifetime>();
        });

        await Assert.ThrowsAsync<PlatformNotSupportedException>(() => host.StartAsync().WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Start_BadOptions_FailsWithThoseOfAllOptions()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop(o => o.ChildStopGrace = TimeSpan.FromDays(1));
            services.AddOptions<OtherOptions>().Validate(_ => false, "the others' mistake").ValidateOnStart();
        });

        var e = await Assert.ThrowsAsync<AggregateException>(() => host.StartAsync().WaitAsync(TestTimeout));

        Assert.Equal(2, e.InnerExceptions.OfType<OptionsValidationException>().Count());
    }

    private static CancellationToken Stopping(IHost host) => host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    private static string[] LifetimeEvents(IHost host) =>
        [.. host.Services.GetFakeLogCollector().GetSnapshot().Where(r => r.Category == LifetimeLog.Category).Select(r => r.Id.Name!)];

    private async Task<(IHost Host, UnixHostLifetime Lifetime)> StartAsync(TimeSpan delay, Action<IServiceCollection>? configure = null)
    {
        IHost host = Build(delay, configure);
        await host.StartAsync().WaitAsync(TestTimeout);
        return (host, Assert.IsType<UnixHostLifetime>(host.Services.GetRequiredService<IHostLifetime>()));
    }

    private IHost Build(TimeSpan delay, Action<IServiceCollection>? configure)
    {
        IHost host = TestHost.Build(services =>
        {
            services.AddSingleton<TimeProvider>(_clock);
            services.AddUnixEventLoop(o => o.ShutdownDelay = delay);
            configure?.Invoke(services);
        });
        _hosts.Add(host);
        return host;
    }

    private sealed class SlowStart(TaskCompletionSource starting) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            starting.TrySetResult();
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class NeedsTheLoop(IUnixEventLoop loop) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => loop.InvokeAsync(() => { }, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class OtherOptions;
}
