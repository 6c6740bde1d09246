using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;

namespace WebApp.Endpoints;

internal static class Transfers
{
    private static readonly byte[] s_block = [.. Enumerable.Range(0, 16_384).Select(i => (byte)('a' + i % 26))];

    internal static void MapTransfers(this WebApplication app)
    {
        app.MapPost("/upload", async (HttpContext context) =>
        {
            // Nothing of it is kept.
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            byte[] hash = await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted);
            return $"{Convert.ToHexStringLower(hash)}\n";
        });
        app.MapGet("/download", async (HttpContext context, long bytes) =>
        {
            if (bytes < 0)
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }
            context.Response.ContentType = "application/octet-stream";
            context.Response.ContentLength = bytes;
            PipeWriter body = context.Response.BodyWriter;
            for (FlushResult flush = default; bytes > 0 && !flush.IsCompleted; bytes -= s_block.Length)
                flush = await body.WriteAsync(s_block.AsMemory(0, (int)Math.Min(bytes, s_block.Length)), context.RequestAborted);
        });
        app.Map("/ws", async (HttpContext context) =>
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return;
            }
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await EchoAsync(socket, context.RequestAborted);
        });
    }

    private static async Task EchoAsync(WebSocket socket, CancellationToken aborted)
    {
        byte[] buffer = new byte[16_384];
        while (true)
        {
            ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), aborted);
            if (part.MessageType == WebSocketMessageType.Close)
                break;
            await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, aborted);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, aborted);
    }
}
