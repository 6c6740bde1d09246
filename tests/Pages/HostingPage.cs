using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace UnixLoop.Pages;

internal static class HostingPage
{
    internal static async Task RunAsync(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);

        builder.Services.AddUnixEventLoop()                                 // options from the section "UnixEventLoop"
            .OnSignal(UnixSignal.Usr1, static async (services, token) =>    // a service scope for each call; Journal: a service of yours
                await services.GetRequiredService<Journal>().RotateAsync(token));
        builder.Services.AddHealthChecks().AddUnixEventLoop();              // not ready while draining
        builder.Services.AddHostedService<Worker>();

        await builder.Build().RunAsync();
    }

    internal static async Task<int> WholeAsync(string[] args)
    {
        if (UnixInit.RunAsPid1(args) is int code)       // the first line: in a container without an init it runs itself under one
            return code;

        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddUnixEventLoop();
        builder.Services.AddHostedService<Worker>();
        IHost host = builder.Build();
        CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        try
        {
            await host.RunAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // A signal while it was starting: what had begun has been stopped again.
        }
        catch (Exception mistake) when (mistake is OptionsValidationException or AggregateException or IOException)
        {
            Console.Error.WriteLine(mistake.Message);   // wrong options (of several types: all in one), or an address in use
            return 1;
        }
        return Environment.ExitCode;                    // 1 if a loop has died, 128 + n with ExitCodeFromSignal
    }

    internal static void Drain(KestrelServerOptions kestrel)
    {
        kestrel.ListenAnyIP(8443, endpoint => endpoint.UseHttps().UseUnixHostDrain());
    }
}
