using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>A loop, a connection on it, and the other end of its socket pair as a bare descriptor.</summary>
public abstract class ConnectionTest : LoopTest
{
    internal static (UnixHandle First, UnixHandle Second) NewSocketPair(int? type = null)
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(type ?? SOCK_STREAM, out int first, out int second), "socketpair");
        return (new UnixHandle(first), new UnixHandle(second));
    }

    internal (UnixStreamConnection Connection, UnixHandle Peer) NewConnection(UnixStreamConnectionOptions? options = null)
    {
        (UnixHandle own, UnixHandle peer) = NewSocketPair();
        return (UnixStreamConnection.FromSocket(Loop, own, options), peer);
    }

    internal static void Send(UnixHandle peer, string text) => Send(peer, Encoding.UTF8.GetBytes(text));

    internal static void Send(UnixHandle peer, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
        {
            PosixResult result = Libc.Send(peer.Descriptor, bytes.AsSpan(sent));
            if (result.Errno == EAGAIN)
                Thread.Yield();
            else
                sent += PosixError.ThrowIfError(result, "send");
        }
    }

    /// <summary>Reads until <paramref name="count"/> bytes are there, or the end.</summary>
    internal static byte[] Receive(UnixHandle peer, int count)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[65536];
        Eventually.True(
            () =>
            {
                while (all.Length < count)
                {
                    PosixResult read = Libc.Receive(peer.Descriptor, buffer.AsSpan(0, (int)Math.Min(buffer.Length, count - all.Length)));
                    if (read.Errno == EAGAIN)
                        return false;
                    if (PosixError.ThrowIfError(read, "recv") == 0)
                        return true;
                    all.Write(buffer, 0, read.IntValue);
                }
                return true;
            },
            $"{count} bytes");
        return all.ToArray();
    }

    internal static string ReceiveText(UnixHandle peer, int count) => Encoding.UTF8.GetString(Receive(peer, count));

    /// <summary>The peer sees the end, or an error in its place.</summary>
    internal static PosixResult ReceiveEnd(UnixHandle peer)
    {
        PosixResult end = default;
        Eventually.True(() => (end = Libc.Receive(peer.Descriptor, new byte[1])).Errno != EAGAIN, "the end");
        return end;
    }

    /// <summary>Sends until the peer's buffers are full.</summary>
    internal static int Fill(UnixHandle socket)
    {
        int total = 0;
        for (PosixResult sent; (sent = Libc.Send(socket.Descriptor, new byte[4096])).IsSuccess; total += sent.IntValue)
        {
        }
        return total;
    }

    internal static async Task<string> ReadTextAsync(PipeReader reader, int count)
    {
        ReadResult result = await reader.ReadAtLeastAsync(count).AsTask().WaitAsync(TestTimeout);
        string text = Encoding.UTF8.GetString(result.Buffer.ToArray());
        reader.AdvanceTo(result.Buffer.End);
        return text;
    }

    internal static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        var all = new MemoryStream();
        while (true)
        {
            ReadResult result = await reader.ReadAsync().AsTask().WaitAsync(TestTimeout);
            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                all.Write(segment.Span);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return all.ToArray();
        }
    }

    internal static byte[] Pattern(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    internal static Task ClosedAsync(UnixStreamConnection connection)
    {
        TaskCompletionSource closed = NewSignal();
        connection.Closed.Register(() => closed.TrySetResult());
        return closed.Task.WaitAsync(TestTimeout);
    }
}
