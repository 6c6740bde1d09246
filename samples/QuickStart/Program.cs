using UnixLoop;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddUnixEventLoop();
builder.Services.AddHostedService<DiskReport>();
await builder.Build().RunAsync();

internal sealed class DiskReport(ISubprocessFactory subprocesses) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        await foreach (SubprocessLine line in subprocesses.ReadLinesAsync(new("df", "-h", "/"), cancellationToken: stopping))
            Console.WriteLine(line.Text);
    }
}
