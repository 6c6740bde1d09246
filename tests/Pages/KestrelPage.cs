using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using UnixLoop.Hosting;
using UnixLoop.Transports;

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

    internal static void Http2(WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket("/run/app/grpc.sock", listen => listen.Protocols = HttpProtocols.Http2));
    }

    internal static async Task<string> AskAsync(IUnixEventLoop loop)
    {
        using HttpClient client = new(UnixSocketHttpHandler.Create(loop, UnixSocketAddress.FromPath("/run/app/grpc.sock")))
        {
            BaseAddress = new Uri("http://localhost"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return await client.GetStringAsync(new Uri("/", UriKind.Relative));
    }

    internal static void Listener(WebApplicationBuilder builder)
    {
        builder.Services.AddUnixEventLoop().UseKestrelTransport(options =>
            options.Listeners["web"] = new() { Path = "/run/app/web.sock", Mode = "0660", Group = "www-data", AllowedUsers = { "www-data" } });
    }

    internal static void Proxy(WebApplication app)
    {
        // Before UseAuthentication() and all else that looks at the client. The number is what `id -u www-data` prints.
        uint proxy = 33;
        app.UseWhen(
            context => context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials.UserId == proxy,
            trusted => trusted.UseForwardedHeaders(Forwarded()));

        static ForwardedHeadersOptions Forwarded()
        {
            ForwardedHeadersOptions options = new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto };
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            return options;
        }
    }
}
