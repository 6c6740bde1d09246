using System.IO.Pipelines;
using UnixLoop.Transports;

namespace UnixLoop.Peer;

/// <summary>W6: answers every message on a Unix socket with itself, until the process is killed.</summary>
internal static class EchoWorkload
{
    internal static async Task RunAsync(IUnixEventLoop loop, string path, bool onPool)
    {
        await using UnixStreamListener listener = await BindAsync(loop, path, onPool);
        await ServeAsync(listener);
    }

    internal static async Task<UnixStreamListener> BindAsync(IUnixEventLoop loop, string path, bool onPool)
    {
        UnixStreamListenerOptions options = new()
        {
            Connection = new() { Scheduler = onPool ? PipeScheduler.ThreadPool : PipeScheduler.Inline },
        };
        return await UnixStreamListener.BindAsync(loop, UnixSocketAddress.FromPath(path), options);
    }

    /// <summary>Until the listener is disposed.</summary>
    internal static async Task ServeAsync(UnixStreamListener listener)
    {
        while (await listener.AcceptAsync() is { } connection)
            _ = EchoAsync(connection);
    }

    private static async Task EchoAsync(UnixStreamConnection connection)
    {
        await using (connection)
        {
            while (true)
            {
                ReadResult read = await connection.Input.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                    await connection.Output.WriteAsync(segment);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
    }
}
