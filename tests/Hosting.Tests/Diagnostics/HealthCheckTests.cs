using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

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

    private static async Task<IHost> StartAsync(TimeSpan? timeout = null)
    {
        IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
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
