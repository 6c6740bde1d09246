using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Bytes, a pipe's by splice(2), bytes: more than pipe and socket hold, so that each side is waited for.</summary>
internal sealed class SpliceScenario : Scenario
{
    private const int PipeBytes = 700_000;
    private static readonly byte[] s_words = "words"u8.ToArray();
    private static readonly byte[] s_content = [.. Enumerable.Range(0, PipeBytes).Select(i => (byte)(i ^ (i >> 8)))];

    internal override string Name => "splice";

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        (SafeFileHandle socket, SafeFileHandle peer) = FaultLibc.SocketPair();
        using (socket)
        using (peer)
        {
            Task<byte[]> reading = rig.Track(Task.Run(() => FaultLibc.ReadToEnd(peer)));
            bool ended = false;
            try
            {
                await SpliceAsync(rig, loop, socket);
                ended = true;
            }
            finally
            {
                socket.Dispose(); // refused, it is still ours, and its end must come
                byte[] received = await reading;
                byte[] expected = [.. s_words, .. s_content, .. s_words];
                rig.Expect(expected.AsSpan().StartsWith(received), $"what comes is what was sent, in its order: {received.Length} bytes");
                rig.Expect(!ended || received.Length == expected.Length, $"all arrives, or the error is told: {received.Length} of {expected.Length}");
            }
        }
    }

    /// <summary>What a descriptor turns out not to be is the argument's fault: no connected socket, or nothing that can be polled.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && (fault.Errno == EPERM ? "EPERM" : $"{PosixError.Name(fault.Errno)}: {fault.Function}") is var reason
        && exception.Message.Contains(reason, StringComparison.Ordinal);

    private static async Task SpliceAsync(Rig rig, UnixEventLoop loop, SafeFileHandle socket)
    {
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(loop, socket);
        await using ReadPipe pipe = ReadPipe.Create(loop, out SafeFileHandle writeEnd);
        Task writing = rig.Track(Task.Run(() => Write(writeEnd)));
        try
        {
            await connection.Output.WriteAsync(s_words);
            await pipe.Input.CopyToAsync(connection.Output);
            await connection.Output.WriteAsync(s_words);
            await connection.Output.CompleteAsync();
        }
        catch
        {
            connection.Abort();
            await pipe.DisposeAsync(); // ends the writer
            throw;
        }
        finally
        {
            await writing;
        }
    }

    private static void Write(SafeFileHandle pipe)
    {
        using FileStream stream = new(pipe, FileAccess.Write, bufferSize: 0);
        try
        {
            stream.Write(s_content);
        }
        catch (IOException)
        {
            // Nobody reads any more: who does tells why.
        }
    }
}
