using System.Buffers;
using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A listener, a client and its echo, of more than the buffers hold, both half-closed by turns: bind, connect, accept, read, write, close.</summary>
internal sealed class ConnectionScenario : Scenario
{
    private const int MessageBytes = 700_000;

    internal override string Name => "connection";

    // Both say what is not so: that nobody has connected, and that the peer has gone. Who waits for the next edge, or for the end, waits for ever.
    internal override bool CanHappen(string function, int errno) =>
        !(function == "accept4" && errno == EAGAIN) && !(function == "shutdown" && errno == ENOTCONN);

    /// <summary>A descriptor that can't be polled is the argument's fault; what ends one side is the other's lost connection, or its end of file.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is EndOfStreamException
        || exception is IOException { HResult: var errno } && (errno == ECONNRESET || errno == EPIPE)
        || exception is ArgumentException && exception.Message.Contains("EPERM", StringComparison.Ordinal);

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        string folder = Directory.CreateTempSubdirectory("unixloop-fault-").FullName;
        try
        {
            UnixSocketAddress address = UnixSocketAddress.FromPath(Path.Combine(folder, "socket"));
            await using (UnixStreamListener listener = await UnixStreamListener.BindAsync(loop, address))
            {
                Task serving = rig.Track(Task.Run(() => EchoAsync(listener)));
                Task calling = rig.Track(Task.Run(() => CallAsync(rig, loop, address)));
                // Whichever fails tells the first error; the other then meets its end.
                Task first = await Task.WhenAny(serving, calling);
                if (first.IsFaulted)
                    listener.AbortClients();
                if (first.IsFaulted && ReferenceEquals(first, calling))
                    listener.Close();
                await Task.WhenAll(serving, calling).WaitAsync(Campaign.Bound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await first;
                await Task.WhenAll(serving, calling);
            }
            // What can't be looked at can't be shown to be ours, and stays (linux.md, rule 25).
            bool mayStay = rig.Fault is { Function: "statx" or "unlinkat" or "openat" };
            rig.Expect(mayStay || !File.Exists(Path.Combine(folder, "socket")), "the socket's file is gone");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task EchoAsync(UnixStreamListener listener)
    {
        if (await listener.AcceptAsync() is not { } accepted)
            return;
        await using UnixStreamConnection connection = accepted;
        await connection.Input.CopyToAsync(connection.Output);
        await connection.Output.CompleteAsync();
        await connection.Input.CompleteAsync();
    }

    private static async Task CallAsync(Rig rig, UnixEventLoop loop, UnixSocketAddress address)
    {
        await using UnixStreamConnection connection = await UnixStreamConnection.ConnectAsync(loop, address);
        byte[] message = [.. Enumerable.Range(0, MessageBytes).Select(i => (byte)(i ^ (i >> 8)))];
        Task writing = rig.Track(Task.Run(async () =>
        {
            try
            {
                await connection.Output.WriteAsync(message);
                await connection.Output.CompleteAsync();
            }
            catch (IOException e)
            {
                connection.Abort(e); // the echo's end would never come
                throw;
            }
        }));
        int received = 0;
        while (true)
        {
            ReadResult read = await connection.Input.ReadAsync();
            byte[] bytes = read.Buffer.ToArray();
            rig.Expect(message.AsSpan(received, bytes.Length).SequenceEqual(bytes), $"what comes back is what was sent, from {received} on");
            received += bytes.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }
        await writing;
        if (received < MessageBytes)
            throw new EndOfStreamException($"{received} of {MessageBytes} bytes came back.");
    }
}
