using UnixLoop.Transports;

namespace UnixLoop.Pages;

internal static class TransportsPage
{
    internal static async Task ListenAsync(IUnixEventLoop loop, Func<UnixStreamConnection, Task> ServeAsync, CancellationToken stopping)
    {
        await using UnixStreamListener listener = await UnixStreamListener.BindAsync(
            loop, UnixSocketAddress.FromPath("/run/app/app.sock"),
            new() { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, Group = "www-data" },
            stopping);

        while (await listener.AcceptAsync(stopping) is { } connection)
            _ = ServeAsync(connection);
    }
}
