using UnixLoop.Transports;

namespace UnixLoop.Pages;

internal static class DatagramsPage
{
    internal static async Task EchoAsync(IUnixEventLoop loop, CancellationToken stopping)
    {
        await using UnixDatagramSocket server = await UnixDatagramSocket.BindAsync(loop, UnixSocketAddress.FromPath("/run/app/echo"), cancellationToken: stopping);
        byte[] buffer = new byte[65_536];
        while (true)
        {
            UnixDatagramReceiveResult question = await server.ReceiveAsync(buffer, stopping);
            if (!question.Sender.IsUnnamed)                     // a client without a name can't be answered
                await server.SendToAsync(buffer.AsMemory(0, question.Length), question.Sender, stopping);
        }
    }
}
