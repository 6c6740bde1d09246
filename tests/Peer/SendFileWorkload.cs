using System.IO.Pipelines;
using UnixLoop.Transports;

namespace UnixLoop.Peer;

/// <summary>A file over a connection to a reader that reads it to its end; as tests/Benchmarks/sendfile.c does it in C.</summary>
internal static class SendFileWorkload
{
    internal static Task RunAsync(IUnixEventLoop loop, string file, string socket)
    {
        UnixSocketAddress address = UnixSocketAddress.FromPath(socket);
        return Rounds.TransferAsync(async () =>
        {
            using FileStream source = File.OpenRead(file);
            await using UnixStreamConnection connection = await UnixStreamConnection.ConnectAsync(loop, address);
            long sent = await connection.SendFileAsync(source);
            await connection.Output.CompleteAsync();
            // The reader's close: all was read.
            ReadResult end = await connection.Input.ReadAsync();
            if (!end.IsCompleted || !end.Buffer.IsEmpty)
                throw new InvalidOperationException($"The reader of {socket} has written.");
            return sent;
        });
    }
}
