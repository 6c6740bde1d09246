using UnixLoop.Hosting;

namespace UnixLoop.Pages;

internal static class SupervisionPage
{
    internal static void Supervised(HostApplicationBuilder builder)
    {
        builder.Services.AddUnixEventLoop()
            .AddSupervisedProcess("web", options =>
            {
                options.FileName = "nginx";
                options.Arguments.Add("-g");
                options.Arguments.Add("daemon off;");
                options.StopSignal = "QUIT";
                options.ReadySocket = "/run/nginx.sock";
                options.StopHostOnFailure = true;
            });
        builder.Services.AddSingleton<Operator>();
    }
}

internal sealed class Operator(ISupervisor supervisor)
{
    public async Task<string> RecycleAsync(string name, CancellationToken token)
    {
        SupervisedProcessStatus status = await supervisor.RestartAsync(name, token);
        return $"{status}; {status.Restarts} restarts, last: {string.Join(", ", status.LastExits)}";
    }
}
