using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>With <see cref="UnixStreamConnectionOptions.CoalesceFlushes"/>: when a flush is left for later, and what then sends it.</summary>
public sealed class CoalescingTests() : OneConnectionTest(new() { CoalesceFlushes = true })
{
    [Fact]
    public async Task Flush_WithNothingLeftInTheInput_SendsItself()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 1);
        using Held held = new(Loop);
        await FlushAsync("one");
        Assert.Equal("one", ReceiveNow());
    }

    [Fact]
    public async Task Flushes_WhileTheInputHoldsMore_AreOneSendOnceAReadWaits()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 3);
        using Held held = new(Loop);
        await FlushAsync("one");
        Assert.Equal("", ReceiveNow());
        await TakeRequestAsync(Connection);
        await FlushAsync("two");
        await TakeRequestAsync(Connection);
        Assert.Equal("", ReceiveNow());
        ValueTask<ReadResult> read = Connection.Input.ReadAsync();
        Assert.Equal("onetwo", ReceiveNow());
        Assert.Equal(1, Connection.GetStatistics().Writes);
        Connection.Input.CancelPendingRead();
        held.Dispose();
        Assert.True((await read.AsTask().WaitAsync(TestTimeout)).IsCanceled);
    }

    /// <summary>The last answer too, since the first is still to be sent.</summary>
    [Fact]
    public async Task Flushes_UpToTheLastRequest_AreOneSend()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        using Held held = new(Loop);
        await FlushAsync("one");
        await TakeRequestAsync(Connection);
        await FlushAsync("head");
        await FlushAsync("body");
        Assert.Equal("", ReceiveNow());
        held.Dispose();
        Assert.Equal("oneheadbody", ReceiveText(Peer, 11));
        Assert.Equal(1, Connection.GetStatistics().Writes);
    }

    /// <summary>The reader is in code that blocks, or that streams.</summary>
    [Fact]
    public async Task Flush_WhoseReaderStaysAway_IsSentByTheLoop_AndTheNextAtOnce()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        await FlushAsync("one");
        Assert.Equal("one", ReceiveText(Peer, 3));
        using Held held = new(Loop);
        await FlushAsync("more of it");
        Assert.Equal("more of it", ReceiveNow());
    }

    [Fact]
    public async Task Flushes_OfMoreThan16KiB_AreSentByTheOneThatReachesThem()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        using Held held = new(Loop);
        await FlushAsync(new string('a', 16 * 1024));
        Assert.Equal("", ReceiveNow());
        await FlushAsync("b");
        Assert.Equal((16 * 1024) + 1, ReceiveNow().Length);
    }

    [Fact]
    public async Task Flushes_WithALowHighMark_AreNotLeftForLater()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(new() { CoalesceFlushes = true, OutputHighWaterMark = 2, OutputLowWaterMark = 0 });
        await using (connection)
        using (peer)
        {
            await TakeRequestsAsync(connection, peer, sent: 2);
            using Held held = new(Loop);
            await FlushAsync("one", connection);
            Assert.Equal("one", ReceiveNow(peer));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_SendsWhatWasLeft(bool completed)
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        using (Held held = new(Loop))
        {
            await FlushAsync("one");
            Assert.Equal("", ReceiveNow());
            if (completed)
                await Connection.Output.CompleteAsync().AsTask().WaitAsync(TestTimeout);
            else
                await Connection.DisposeAsync().AsTask().WaitAsync(TestTimeout);
            Assert.Equal("one", ReceiveNow());
        }
        await Connection.DisposeAsync();
        ReceiveEnd(Peer);
    }

    [Fact]
    public async Task Abort_DropsWhatWasLeft()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        using (Held held = new(Loop))
        {
            await FlushAsync("one");
            Connection.Abort();
        }
        await SettleAsync();
        Assert.Equal(0, ReceiveEnd(Peer).Value);
    }

    [Fact]
    public async Task PeerGone_WithBytesLeft_EndsTheConnection()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        using (Held held = new(Loop))
        {
            await FlushAsync("one");
            Peer.Dispose();
        }
        await ReadToEndAsync(Connection.Input);
        await ClosedAsync(Connection);
        await Assert.ThrowsAsync<IOException>(() => Connection.Output.WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task SocketFull_WhatWasLeft_IsSentByEpollOut()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        int filler;
        using (Held held = new(Loop))
        {
            filler = 0;
            for (PosixResult sent; (sent = Libc.Send(Connection.Descriptor, new byte[4096])).IsSuccess; filler += sent.IntValue)
            {
            }
            await FlushAsync("one");
        }
        await SettleAsync();
        Assert.Equal("one", Encoding.ASCII.GetString(Receive(Peer, filler + 3), filler, 3));
        Assert.Equal(0, await CountIdleTurnsAsync());
    }

    [Fact]
    public async Task SendFile_GoesBehindWhatWasLeft()
    {
        await TakeRequestsAsync(Connection, Peer, sent: 2);
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "file");
            using FileStream file = File.OpenRead(path);
            Task sent;
            using (Held held = new(Loop))
            {
                await FlushAsync("one");
                sent = Connection.SendFileAsync(file);
            }
            await sent.WaitAsync(TestTimeout);
            Assert.Equal("onefile", ReceiveText(Peer, 7));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task FlushAsync(string text, UnixStreamConnection? connection = null)
    {
        PipeWriter writer = (connection ?? Connection).Output;
        Encoding.ASCII.GetBytes(text, writer.GetSpan(text.Length));
        writer.Advance(text.Length);
        ValueTask<FlushResult> flush = writer.FlushAsync();
        Assert.True(flush.IsCompleted);
        await flush;
    }

    private string ReceiveNow(UnixHandle? peer = null)
    {
        byte[] buffer = new byte[64 * 1024];
        PosixResult received = Libc.Receive((peer ?? Peer).Descriptor, buffer);
        return received.Errno == EAGAIN ? "" : Encoding.ASCII.GetString(buffer, 0, PosixError.ThrowIfError(received, "recv"));
    }

    /// <summary>The peer sends requests of one byte in one message, and the first is taken.</summary>
    internal static async Task TakeRequestsAsync(UnixStreamConnection connection, UnixHandle peer, int sent)
    {
        Send(peer, new string('r', sent));
        await TakeRequestAsync(connection);
    }

    private static async Task TakeRequestAsync(UnixStreamConnection connection)
    {
        ReadResult read = await connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        SequencePosition end = read.Buffer.GetPosition(1);
        connection.Input.AdvanceTo(end, end);
    }

    /// <summary>The loop does nothing until this is disposed.</summary>
    internal sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim _go = new();
        private readonly ManualResetEventSlim _holds = new();

        internal Held(UnixEventLoop loop)
        {
            loop.Post(() =>
            {
                _holds.Set();
                _go.Wait();
            });
            Assert.True(_holds.Wait(TestTimeout), "the loop was not held");
        }

        public void Dispose() => _go.Set();
    }
}
