using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>The examples of docs/supervision.md, as code that runs.</summary>
public sealed class SupervisionPageTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Examples_Run()
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Services.AddUnixEventLoop()
            .AddSupervisedProcess("web", options =>
            {
                options.FileName = "nginx";
                options.Arguments.Add("-g");
                options.Arguments.Add("daemon off;");
                options.StopSignal = "QUIT";
                options.ReadySocket = "/run/nginx.sock";
                options.StopHostOnFailure = true;
            })
            // Nothing of that is installed here.
            .AddSupervisedProcess("web", options =>
            {
                (options.FileName, options.ReadySocket) = ("sleep", null);
                options.Arguments.Clear();
                options.Arguments.Add("1000");
            });
        builder.Services.AddSingleton<Operator>();
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TestTimeout);
        string recycled = await host.Services.GetRequiredService<Operator>().RecycleAsync("web", CancellationToken.None).WaitAsync(TestTimeout);
        Assert.StartsWith("web: Ready, pid ", recycled);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    private sealed class Operator(ISupervisor supervisor)
    {
        public async Task<string> RecycleAsync(string name, CancellationToken token)
        {
            SupervisedProcessStatus status = await supervisor.RestartAsync(name, token);
            return $"{status}; {status.Restarts} restarts, last: {string.Join(", ", status.LastExits)}";
        }
    }
}
