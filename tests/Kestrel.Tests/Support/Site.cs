using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using UnixLoop.Kestrel.Tests.Conformance;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>What the real clients ask for.</summary>
internal static class Site
{
    internal const int Large = 8 << 20;

    internal static void Map(WebApplication app)
    {
        app.UseWebSockets();
        app.Run(static async context =>
        {
            switch (context.Request.Path.Value)
            {
                case "/upload":
                    context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
                    byte[] hash = await SHA256.HashDataAsync(context.Request.Body);
                    await context.Response.WriteAsync(Convert.ToHexStringLower(hash));
                    break;
                case "/download":
                    context.Response.ContentLength = Large;
                    await context.Response.Body.WriteAsync(new byte[Large]);
                    break;
                case "/ws":
                    await ProtocolTests.EchoWebSocketAsync(context);
                    break;
                default:
                    await context.Response.WriteAsync($"hello over {context.Request.Protocol}");
                    break;
            }
        });
    }
}
