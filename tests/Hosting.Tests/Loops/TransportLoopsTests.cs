using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.Hosting.Kestrel;

namespace UnixLoop.Hosting.Tests.Loops;

/// <summary>The loops that Kestrel's connections are spread over: they are the host's as its own are.</summary>
public sealed class TransportLoopsTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Start_FurtherLoops_HaveTheDefaultOnesSettings()
    {
        FakeTimeProvider clock = new();
        using IHost host = Build(options =>
        {
            options.Debug = true;
            options.SlowCallbackThreshold = TimeSpan.FromMilliseconds(1);
        }, services => services.AddSingleton<TimeProvider>(clock));
        IUnixEventLoop[] loops = await StartAsync(host);
        Assert.Equal(["unix-loop", "unix-loop-2", "unix-loop-3"], loops.Select(loop => loop.Name));

        foreach (IUnixEventLoop loop in loops)
        {
            await loop.InvokeAsync(() => SpinWait.SpinUntil(static () => false, TimeSpan.FromMilliseconds(5))).WaitAsync(TestTimeout);
            long before = loop.TimeProvider.GetTimestamp();
            clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(TimeSpan.FromHours(1), loop.TimeProvider.GetElapsedTime(before));
        }

        await host.StopAsync().WaitAsync(TestTimeout);
        string[] slow = [.. Messages(host, "SlowCallback")];
        Assert.All(loops, loop => Assert.Contains(slow, message => message.Contains($"'{loop.Name}'", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Stop_FurtherLoops_EndWithTheOthers()
    {
        using IHost host = Build(_ => { });
        IUnixEventLoop[] loops = await StartAsync(host);

        await host.StopAsync().WaitAsync(TestTimeout);

        Assert.All(loops, loop => Assert.Throws<ObjectDisposedException>(() => loop.Post(() => { })));
        Assert.Equal(3, Messages(host, "LoopStopped").Count());
    }

    [Fact]
    public async Task Check_FurtherLoopEnded_IsUnhealthyAndNamesIt()
    {
        using IHost host = Build(_ => { });
        IUnixEventLoop[] loops = await StartAsync(host);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await ((UnixEventLoop)loops[2]).StopAsync().WaitAsync(TestTimeout);

        HealthReportEntry entry = await CheckAsync(host);

        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("'unix-loop-3' has ended", entry.Description);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Check_FurtherLoopAnswersLate_IsDegradedByItsLag()
    {
        FakeTimeProvider clock = new();
        using IHost host = Build(_ => { }, services => services.AddSingleton<TimeProvider>(clock));
        IUnixEventLoop[] loops = await StartAsync(host);
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        loops[1].Post(() =>
        {
            held.Set();
            release.Wait(TestTimeout);
        });
        Assert.True(held.Wait(TestTimeout));

        Task<HealthReportEntry> check = CheckAsync(host);
        Eventually.True(() => loops[1].GetStatistics().QueueDepth > 0, "the question waits");
        await loops[0].InvokeAsync(() => { }).WaitAsync(TestTimeout); // which was asked before, and has answered
        clock.Advance(TimeSpan.FromSeconds(1));
        release.Set();

        HealthReportEntry entry = await check;
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Contains("'unix-loop-2' answered after 00:00:01", entry.Description);
        Assert.Equal(1.0, entry.Data["lag"]);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    /// <summary>Three loops that are held cost one bound, not three.</summary>
    [Fact]
    public async Task Dispose_CallbacksHoldAllLoops_IsBounded()
    {
        using var release = new ManualResetEventSlim();
        IHost host = Build(_ => { });
        FakeLogCollector log = host.Services.GetFakeLogCollector();
        IUnixEventLoop[] loops = await StartAsync(host);
        using var held = new CountdownEvent(loops.Length);
        foreach (IUnixEventLoop loop in loops)
        {
            loop.Post(() =>
            {
                held.Signal();
                release.Wait();
            });
        }
        Assert.True(held.Wait(TestTimeout));

        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        await Task.Run(host.Dispose).WaitAsync(TestTimeout);
        int[] left = [Messages(log, "LoopNotStopped").Count(), Messages(log, "LoopNotEnded").Count()];
        release.Set();

        Assert.Equal([3, 3], left);
        await Task.WhenAll(loops.Select(loop => ((UnixEventLoop)loop).Completion)).WaitAsync(TestTimeout);
    }

    private static IHost Build(Action<UnixEventLoopOptions> configure, Action<IServiceCollection>? add = null) => TestHost.Build(services =>
    {
        add?.Invoke(services);
        services.AddUnixEventLoop(configure).UseKestrelTransport(options => options.LoopCount = 3);
        services.AddHealthChecks().AddUnixEventLoop();
    });

    /// <summary>The host, and what Kestrel's first bind does.</summary>
    private static async Task<IUnixEventLoop[]> StartAsync(IHost host)
    {
        await host.StartAsync().WaitAsync(TestTimeout);
        return await host.Services.GetRequiredService<TransportLoops>().StartAsync(CancellationToken.None);
    }

    private static async Task<HealthReportEntry> CheckAsync(IHost host)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync().WaitAsync(TestTimeout);
        return report.Entries["unix-event-loop"];
    }

    private static IEnumerable<string> Messages(IHost host, string name) => Messages(host.Services.GetFakeLogCollector(), name);

    private static IEnumerable<string> Messages(FakeLogCollector log, string name) => log.GetSnapshot().Where(record => record.Id.Name == name).Select(record => record.Message);
}
