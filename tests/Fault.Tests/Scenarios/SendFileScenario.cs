using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Bytes, a file by the kernel, bytes, a pipe by reading and writing, bytes: in that order at the other end, or the error is told.</summary>
internal sealed class SendFileScenario : Scenario
{
    private const int FileBytes = 300_000;
    private const int PipeBytes = 30_000;
    private static readonly byte[] Words = "words"u8.ToArray();

    internal override string Name => "sendfile";

    // A regular file has a position.
    internal override bool CanHappen(string function, int errno) => function != "lseek";

    /// <summary>What a descriptor turns out not to be is the argument's fault: no connected socket, or nothing that can be polled.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && (fault.Errno == EPERM ? "EPERM" : $"{PosixError.Name(fault.Errno)}: {fault.Function}") is var reason
        && exception.Message.Contains(reason, StringComparison.Ordinal);

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [.. Enumerable.Range(0, FileBytes).Select(i => (byte)(i ^ (i >> 8)))]);
            (SafeFileHandle socket, SafeFileHandle peer) = FaultLibc.SocketPair();
            using (peer)
                await SendAsync(rig, loop, path, socket, peer);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task SendAsync(Rig rig, UnixEventLoop loop, string path, SafeFileHandle socket, SafeFileHandle peer)
    {
        using FileStream file = File.OpenRead(path);
        (SafeFileHandle pipe, SafeFileHandle pipeWriter) = FaultLibc.Pipe();
        using (pipe)
        {
            using (FileStream writer = new(pipeWriter, FileAccess.Write, bufferSize: 0))
                writer.Write(new byte[PipeBytes]);
            Task<byte[]>? reading = null;
            long sent = 0;
            bool ended = false;
            try
            {
                await using UnixStreamConnection connection = Take(loop, socket);
                reading = rig.Track(Task.Run(() => FaultLibc.ReadToEnd(peer)));
                try
                {
                    sent += await SendWordsAsync(connection);
                    long fileSent = await connection.SendFileAsync(file);
                    rig.Expect(file.Position == fileSent && fileSent == FileBytes, $"the position is where the file ends: {file.Position}, {fileSent}");
                    sent += fileSent + await SendWordsAsync(connection);
                    sent += await connection.SendFileAsync(pipe);
                    sent += await SendWordsAsync(connection);
                    await connection.Output.CompleteAsync();
                    ended = true;
                }
                finally
                {
                    if (!ended)
                        connection.Abort();
                }
            }
            catch (Exception) when (!ended)
            {
                // What the socket took before the error has arrived: the first words, and then as much of the file as its position says.
                long arrived = reading is null ? 0 : (await reading).Length;
                rig.Expect(file.Position == Math.Clamp(arrived - Words.Length, 0, FileBytes), $"the position is where the sending came to: {file.Position}, {arrived} bytes arrived");
                throw;
            }
            byte[] received = await reading!;
            rig.Expect(received.Length == sent && sent == 3 * Words.Length + FileBytes + PipeBytes, $"all arrives: {received.Length} of {sent}");
            rig.Expect(received.AsSpan().StartsWith(Words) && received.AsSpan(Words.Length + FileBytes).StartsWith(Words) && received.AsSpan().EndsWith(Words), "in its order");
            for (int i = 0; i < FileBytes; i++)
            {
                if (received[Words.Length + i] != (byte)(i ^ (i >> 8)))
                {
                    rig.Expect(false, $"byte {i} of the file is its own");
                    break;
                }
            }
        }
    }

    /// <summary>A socket that was refused is still ours.</summary>
    private static UnixStreamConnection Take(UnixEventLoop loop, SafeFileHandle socket)
    {
        try
        {
            return UnixStreamConnection.FromSocket(loop, socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<int> SendWordsAsync(UnixStreamConnection connection)
    {
        await connection.Output.WriteAsync(Words);
        return Words.Length;
    }
}
