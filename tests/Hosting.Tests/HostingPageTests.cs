using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Hosting.Tests;

/// <summary>The example of docs/hosting.md and of the package's README, as code that runs.</summary>
public sealed partial class HostingPageTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Example_Runs()
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();

        builder.Services.AddUnixEventLoop()
            .OnSignal(UnixSignal.Usr1, static async (services, token) =>
                await services.GetRequiredService<Journal>().RotateAsync(token));
        builder.Services.AddHealthChecks().AddUnixEventLoop();
        builder.Services.AddHostedService<Worker>();

        builder.Services.AddSingleton<Journal>();
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TestTimeout);
        await host.Services.GetServices<IHostedService>().OfType<Worker>().Single().ExecuteTask!.WaitAsync(TestTimeout);
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Usr1.Number);
        Eventually.True(() => host.Services.GetRequiredService<Journal>().Rotations == 1, "the journal was rotated");
        await host.StopAsync().WaitAsync(TestTimeout);
        Assert.Contains("/", host.LoggedEvent("Output").Message);
    }

    private sealed partial class Worker(ISubprocessFactory subprocesses, ILogger<Worker> logger) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            SubprocessResult df = await subprocesses.RunAsync(new SubprocessStartInfo("df", "-h", "/"), cancellationToken: stoppingToken);
            LogOutput(df.EnsureSuccess().Output);
        }

        [LoggerMessage(9900, LogLevel.Information, "{Output}", EventName = "Output")]
        private partial void LogOutput(string output);
    }

    private sealed class Journal
    {
        private int _rotations;

        internal int Rotations => Volatile.Read(ref _rotations);

        internal Task RotateAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Interlocked.Increment(ref _rotations);
            return Task.CompletedTask;
        }
    }
}
