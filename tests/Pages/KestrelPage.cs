using Microsoft.AspNetCore.HttpOverrides;
using UnixLoop.Hosting;

namespace UnixLoop.Pages;

internal static class KestrelPage
{
    internal static WebApplicationBuilder Transport(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket("/run/app/web.sock"));
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        return builder;
    }

    internal static void Proxy(WebApplication app, uint proxy)
    {
        app.UseWhen(
            context => context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials.UserId == proxy,
            trusted => trusted.UseForwardedHeaders(Forwarded()));
    }

    private static ForwardedHeadersOptions Forwarded()
    {
        ForwardedHeadersOptions options = new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        return options;
    }
}
