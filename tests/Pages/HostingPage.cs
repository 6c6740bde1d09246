using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace UnixLoop.Pages;

internal static class HostingPage
{
    internal static async Task RunAsync(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);

        builder.Services.AddUnixEventLoop()                                 // options from the section "UnixEventLoop"
            .OnSignal(UnixSignal.Usr1, static async (services, token) =>    // a service scope for each call
                await services.GetRequiredService<Journal>().RotateAsync(token));
        builder.Services.AddHealthChecks().AddUnixEventLoop();              // not ready while draining
        builder.Services.AddHostedService<Worker>();

        await builder.Build().RunAsync();
    }

    internal static void Drain(KestrelServerOptions kestrel)
    {
        kestrel.ListenAnyIP(8443, endpoint => endpoint.UseHttps().UseUnixHostDrain());
    }
}
