using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Hosting.Tests.Diagnostics;

public sealed class HealthCheckTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Check_WhileServing_IsHealthyWithFigures()
    {
        using IHost host = await StartAsync();

        HealthReportEntry entry = await CheckAsync(host);

        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.Equal(["lag", "queueDepth"], entry.Data.Keys.Order());
        Assert.Equal(["ready"], entry.Tags);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Check_WhileDraining_IsUnhealthy()
    {
        using IHost host = await StartAsync();
        host.Services.GetRequiredService<UnixHostDrain>().Begin();

        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Check_LoopEnded_IsUnhealthyAndNamesIt()
    {
        using IHost host = await StartAsync();
        await host.Services.GetRequiredService<UnixEventLoop>().StopAsync().WaitAsync(TestTimeout);

        HealthReportEntry entry = await CheckAsync(host);

        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("'unix-loop' has ended", entry.Description);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Check_LoopDoesNotAnswer_IsUnhealthyAfterTheTimeout()
    {
        using IHost host = await StartAsync(TimeSpan.FromMilliseconds(50));
        using var release = new ManualResetEventSlim();
        host.Services.GetRequiredService<IUnixEventLoop>().Post(() => release.Wait(TestTimeout));

        HealthReportEntry entry = await CheckAsync(host);
        release.Set();

        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData(1, HealthStatus.Healthy)]
    [InlineData(2, HealthStatus.Degraded)]
    [InlineData(4, HealthStatus.Unhealthy)]
    public async Task Check_LoopAnswersLate_ByItsLag(int seconds, HealthStatus expected)
    {
        FakeTimeProvider clock = new();
        using IHost host = await StartAsync(configure: services =>
        {
            services.AddSingleton<TimeProvider>(clock);
            services.Configure<UnixEventLoopOptions>(options =>
            {
                options.HealthDegradedLag = TimeSpan.FromSeconds(1);
                options.HealthUnhealthyLag = TimeSpan.FromSeconds(3);
            });
        });
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        host.Services.GetRequiredService<IUnixEventLoop>().Post(() =>
        {
            held.Set();
            release.Wait(TestTimeout);
        });
        Assert.True(held.Wait(TestTimeout));

        Task<HealthReportEntry> check = CheckAsync(host);
        Eventually.True(() => host.Services.GetRequiredService<IUnixEventLoop>().GetStatistics().QueueDepth > 0, "the question waits");
        clock.Advance(TimeSpan.FromSeconds(seconds));
        release.Set();

        Assert.Equal(expected, (await check).Status);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Start_ThresholdsInTheWrongOrder_IsRefused()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop(o => o.HealthDegradedLag = TimeSpan.FromSeconds(9)));
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(TestTimeout));
        Assert.Contains("HealthUnhealthyLag is 00:00:03", e.Message, StringComparison.Ordinal);
    }

    private static async Task<IHost> StartAsync(TimeSpan? timeout = null, Action<IServiceCollection>? configure = null)
    {
        IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            configure?.Invoke(services);
            services.AddHealthChecks().AddUnixEventLoop(timeout: timeout);
        });
        await host.StartAsync().WaitAsync(TestTimeout);
        return host;
    }

    private static async Task<HealthReportEntry> CheckAsync(IHost host)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync().WaitAsync(TestTimeout);
        return report.Entries["unix-event-loop"];
    }
}
