using System.Buffers;
using System.Diagnostics.Metrics;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>
/// A listener of a metric that threw kept bytes from their reader, accepted connections from whoever waited for them, and the end of all connections from being
/// told; one that waited for another thread, which needed the connection's lock, waited for ever.
/// </summary>
public sealed class MetricListenersTests : ListenerTest
{
    private int _thrown;

    [Fact]
    public async Task Bytes_ListenerThrows_ReachTheirReaderAndThePeer()
    {
        using MeterListener listener = Listen("unixloop.connections.io", Throw);
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own);
            Task<string> read = ConnectionTest.ReadTextAsync(connection.Input, 2);
            ConnectionTest.Send(peer, "in");
            Assert.Equal("in", await read);
            await connection.Output.WriteAsync("out"u8.ToArray());
            Assert.Equal("out", ConnectionTest.ReceiveText(peer, 3));
            await DisposeAsync(connection);
        }
        Assert.NotEqual(0, Volatile.Read(ref _thrown));
    }

    [Fact]
    public async Task Bytes_OfBothDirections_AreCountedOnceSent()
    {
        long received = 0, sent = 0;
        using MeterListener listener = Listen("unixloop.connections.io", (bytes, tags) =>
            Interlocked.Add(ref tags[1].Value is "receive" ? ref received : ref sent, bytes));
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own);
            await connection.Output.WriteAsync("direct"u8.ToArray());
            Assert.Equal(6, sent);
            connection.Output.Write("by a flush"u8);
            await connection.Output.FlushAsync();
            Assert.Equal(16, sent);
            ConnectionTest.Send(peer, "in");
            Assert.Equal("in", await ConnectionTest.ReadTextAsync(connection.Input, 2));
            Eventually.True(() => Interlocked.Read(ref received) == 2, "the count, which comes last");
            await DisposeAsync(connection);
        }
    }

    [Fact]
    public async Task Bytes_ListenerWaitsForTheDisposal_GetsIt()
    {
        TaskCompletionSource<bool> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        UnixStreamConnection? connection = null;
        using MeterListener listener = Listen("unixloop.connections.io", () =>
            answer.TrySetResult(Task.Run(async () => await connection!.DisposeAsync()).Wait(TimeSpan.FromSeconds(5))));
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            connection = UnixStreamConnection.FromSocket(Loop, own);
            ConnectionTest.Send(peer, "in");
            Assert.True(await answer.Task.WaitAsync(TestTimeout), "the listener waited in vain");
            await DisposeAsync(connection);
        }
    }

    [Theory, InlineData("unixloop.listeners.accepted"), InlineData("unixloop.listeners.active_connections"), InlineData("unixloop.connections.opened"), InlineData("unixloop.connections.active")]
    public async Task Accepted_ListenerThrows_IsHandedOutAndItsEndIsTold(string instrument)
    {
        using MeterListener throwing = Listen(instrument, Throw);
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        Task<UnixStreamConnection?> waiting = AcceptAsync(listener);
        using UnixHandle first = RawSocket.Connected(SocketPath);
        await using UnixStreamConnection one = (await waiting)!;
        using UnixHandle second = RawSocket.Connected(SocketPath);
        await using UnixStreamConnection other = (await AcceptAsync(listener))!;
        listener.Close();
        one.Abort();
        other.Abort();
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
        Assert.NotEqual(0, Volatile.Read(ref _thrown));
    }

    /// <summary>The failed start gave its place under the limit back, and so did the connection's end.</summary>
    [Fact]
    public async Task Accepted_ListenerThrowsOnceTheConnectionHasEnded_FreesItsPlaceOnce()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        UnixHandle client = RawSocket.Connected(SocketPath);
        using MeterListener throwing = Listen("unixloop.connections.opened", () =>
        {
            client.Dispose();
            Eventually.True(() => listener.ToString().Contains("0 connections", StringComparison.Ordinal), "the end");
            Throw();
        });
        await using UnixStreamConnection? connection = await AcceptAsync(listener);
        Assert.Contains("0 connections", listener.ToString(), StringComparison.Ordinal);
        Assert.NotEqual(0, Volatile.Read(ref _thrown));
    }

    private delegate void Measured(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags);

    private void Throw()
    {
        Interlocked.Increment(ref _thrown);
        throw new InvalidTimeZoneException("a listener's");
    }

    private MeterListener Listen(string name, Action onMeasurement) => Listen(name, (_, _) => onMeasurement());

    private MeterListener Listen(string name, Measured onMeasurement)
    {
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == Loop.Meter && instrument.Name == name)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => onMeasurement(value, tags));
        listener.Start();
        return listener;
    }
}
