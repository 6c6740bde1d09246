using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>With <see cref="UnixStreamConnectionOptions.CoalesceFlushes"/>: when a flush outside a callback is left for later, and what then sends it.</summary>
public sealed class CoalescingTests() : CoalescingTest(new() { CoalesceFlushes = true })
{
    [Fact]
    public void Flush_WithNothingLeftInTheInput_SendsItself()
    {
        TakeRequestOf(Connection, Peer, sent: 1);
        using Held held = new(Connection);
        Flush("one");
        Assert.Equal("one", ReceiveNow());
    }

    [Fact]
    public async Task Flushes_WhileTheInputHoldsMore_AreOneSendOnceAReadWaits()
    {
        TakeRequestOf(Connection, Peer, sent: 3);
        using Held held = new(Connection);
        Flush("one");
        Assert.Equal("", ReceiveNow());
        TakeRequest(Connection);
        Flush("two");
        TakeRequest(Connection);
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
    public void Flushes_UpToTheLastRequest_AreOneSend()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using Held held = new(Connection);
        Flush("one");
        TakeRequest(Connection);
        Flush("head");
        Flush("body");
        Assert.Equal("", ReceiveNow());
        held.Dispose();
        Assert.Equal("oneheadbody", ReceiveText(Peer, 11));
        AssertWrites(1);
    }

    /// <summary>The reader is in code that blocks, or that streams.</summary>
    [Fact]
    public void Flush_WhoseReaderStaysAway_IsSentByTheLoop_AndTheNextAtOnce()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using (Held first = new(Connection))
        {
            Flush("one");
            Assert.Equal("", ReceiveNow());
        }
        Assert.Equal("one", ReceiveText(Peer, 3));
        using Held held = new(Connection);
        Flush("more of it");
        Assert.Equal("more of it", ReceiveNow());
    }

    /// <summary>Nothing has come for a millisecond: the loop sleeps, and to wake it costs as much as to send.</summary>
    [Fact]
    public void Flush_WithTheLoopAtRest_SendsItself()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        AtRest();
        Flush("one");
        Assert.Equal("one", ReceiveNow());
    }

    [Fact]
    public void Flushes_OfMoreThan16KiB_AreSentByTheOneThatReachesThem()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using Held held = new(Connection);
        Flush(new string('a', 16 * 1024));
        Assert.Equal("", ReceiveNow());
        Flush("b");
        Assert.Equal((16 * 1024) + 1, ReceiveNow().Length);
    }

    [Fact]
    public async Task Flushes_WithALowHighMark_AreNotLeftForLater()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection(new() { CoalesceFlushes = true, OutputHighWaterMark = 2, OutputLowWaterMark = 0 });
        await using (connection)
        using (peer)
        {
            TakeRequestOf(connection, peer, sent: 2);
            using Held held = new(Connection);
            Flush("one", connection);
            Assert.Equal("one", ReceiveNow(peer));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_SendsWhatWasLeft(bool completed)
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using (Held held = new(Connection))
        {
            Flush("one");
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
    public void Abort_SendsWhatWasLeft()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using (Held held = new(Connection))
        {
            Flush("one");
            Connection.Abort();
            Assert.Equal("one", ReceiveNow());
        }
        Assert.Equal(0, ReceiveEnd(Peer).Value);
    }

    [Fact]
    public async Task PeerGone_WithBytesLeft_EndsTheConnection()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        using (Held held = new(Connection))
        {
            Flush("one");
            Peer.Dispose();
        }
        await ReadToEndAsync(Connection.Input);
        await ClosedAsync(Connection);
        await Assert.ThrowsAsync<IOException>(() => Connection.Output.WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task SocketFull_WhatWasLeft_IsSentByEpollOut()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        int filler;
        using (Held held = new(Connection))
        {
            filler = 0;
            for (PosixResult sent; (sent = Libc.Send(Connection.Descriptor, new byte[4096])).IsSuccess; filler += sent.IntValue)
            {
            }
            Flush("one");
        }
        Assert.Equal("one", Encoding.ASCII.GetString(Receive(Peer, filler + 3), filler, 3));
        AtRest();
        Assert.Equal(0, await CountIdleTurnsAsync());
    }

    [Fact]
    public async Task SendFile_GoesBehindWhatWasLeft()
    {
        TakeRequestOf(Connection, Peer, sent: 2);
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "file");
            using FileStream file = File.OpenRead(path);
            Task sent;
            using (Held held = new(Connection))
            {
                Flush("one");
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
}
