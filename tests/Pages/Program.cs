using UnixLoop;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddUnixEventLoop(options => options.ShutdownDelay = TimeSpan.FromSeconds(5))
    .OnSignal(UnixSignal.Usr1, static (services, token) => services.GetRequiredService<Journal>().RotateAsync(token)); // Journal: a service of yours
builder.Services.AddHostedService<Worker>();
await builder.Build().RunAsync();

internal sealed class Worker(ISubprocessFactory subprocesses, ILogger<Worker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        SubprocessResult df = await subprocesses.RunAsync(new SubprocessStartInfo("df", "-h", "/"), cancellationToken: stoppingToken);
        logger.LogInformation("{Output}", df.EnsureSuccess().Output);
    }
}
