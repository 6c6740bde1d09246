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

    private static readonly byte[] s_block = new byte[64 * 1024];

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
                    // In pieces, so that a client that is gone costs no more than the first of them.
                    for (int sent = 0; sent < Large && !context.RequestAborted.IsCancellationRequested; sent += s_block.Length)
                        await context.Response.Body.WriteAsync(s_block);
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
