using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Loop.Tests.UnixSockets.Datagrams;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Descriptors;

/// <summary>Descriptors on datagrams; that none is left is checked after each test.</summary>
public sealed class DatagramDescriptorTests : DatagramTest
{
    private static readonly byte[] Data = "with"u8.ToArray();

    [Fact]
    public async Task Rule28_Descriptors_ArriveAsDuplicatesThatNoChildInherits()
    {
        using TravellingPipe pipe = new();
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair(new() { MaxDescriptors = 2 });
        Task<UnixDatagramReceiveResult> waiting = ReceiveAsync(other, new byte[10]);
        await one.SendDescriptorsAsync(Data, [pipe.Write, pipe.Read]);
        UnixDatagramReceiveResult got = await waiting;
        Assert.Equal(Data.Length, got.Length);
        Assert.False(got.HasLostDescriptors);
        Assert.Equal(2, got.Descriptors.Count);
        Assert.All(got.Descriptors, descriptor => Assert.True(TravellingPipe.IsCloseOnExec(descriptor)));
        pipe.Write.Dispose();
        TravellingPipe.WriteByte(got.Descriptors[0], 42);
        Assert.Equal(42, pipe.ReadByte());
        Close(got);
        Assert.True(pipe.HasNoWriter());
    }

    [Fact]
    public async Task Rule28_EmptyDatagram_CarriesDescriptorsToo()
    {
        using TravellingPipe pipe = new();
        UnixDatagramSocket server = await BindAsync(At("server"), new() { MaxDescriptors = 1 });
        await Keep(UnixDatagramSocket.Create(Loop)).SendDescriptorsAsync(ReadOnlyMemory<byte>.Empty, [pipe.Write], server.LocalAddress);
        UnixDatagramReceiveResult got = await ReceiveAsync(server, new byte[10]);
        Assert.Equal(0, got.Length);
        Assert.Single(got.Descriptors).Dispose();
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task Rule28_MoreThanAskedFor_AreClosedAndThatIsTold(int most)
    {
        using TravellingPipe pipe = new();
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair(new() { MaxDescriptors = most });
        await one.SendDescriptorsAsync(Data, [.. Enumerable.Repeat<SafeHandle>(pipe.Write, 60)]);
        UnixDatagramReceiveResult got = await ReceiveAsync(other, new byte[10]);
        Assert.True(got.HasLostDescriptors);
        Assert.Equal(most, got.Descriptors.Count);
        Close(got);
        pipe.Write.Dispose();
        Assert.True(pipe.HasNoWriter());
    }

    [Fact]
    public async Task Rule28_NotAskedFor_TheKernelClosesThem()
    {
        using TravellingPipe pipe = new();
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair();
        await one.SendDescriptorsAsync(Data, [pipe.Write]);
        pipe.Write.Dispose();
        Assert.False(pipe.HasNoWriter());
        UnixDatagramReceiveResult got = await ReceiveAsync(other, new byte[10]);
        Assert.Empty(got.Descriptors);
        Assert.False(got.HasLostDescriptors);
        Assert.True(pipe.HasNoWriter());
    }

    [Fact]
    public async Task Rule28_NeverReceived_AreClosedWithTheSocket()
    {
        using TravellingPipe pipe = new();
        UnixDatagramSocket server = await BindAsync(At("server"), new() { MaxDescriptors = 1 });
        await Keep(UnixDatagramSocket.Create(Loop)).SendDescriptorsAsync(Data, [pipe.Write], server.LocalAddress);
        pipe.Write.Dispose();
        Assert.False(pipe.HasNoWriter());
        await server.DisposeAsync();
        Assert.True(pipe.HasNoWriter());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task SendThatWaits_BorrowsTheHandlesUntilItsEnd(bool isCancelled)
    {
        using TravellingPipe pipe = new();
        UnixDatagramSocket server = await BindAsync(At("server"), new() { MaxDescriptors = 1 });
        UnixDatagramSocket client = Connected(server.LocalAddress);
        Fill(client);
        using var cancel = new CancellationTokenSource();
        Task sending = client.SendDescriptorsAsync(Data, [pipe.Write], cancellationToken: cancel.Token).AsTask();
        pipe.Write.Dispose(); // put off: it is borrowed
        Assert.False(pipe.HasNoWriter());
        if (isCancelled)
        {
            cancel.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(TestTimeout, CancellationToken.None));
        }
        else
        {
            UnixDatagramReceiveResult got;
            do
            {
                got = await ReceiveAsync(server, new byte[10]);
            }
            while (got.Descriptors.Count == 0);
            await sending.WaitAsync(TestTimeout, CancellationToken.None);
            Close(got);
        }
        Eventually.True(pipe.HasNoWriter, "no copy of the write end is left");
    }

    [Fact]
    public async Task WrongDescriptors_AreRefusedByName()
    {
        using TravellingPipe pipe = new();
        (UnixDatagramSocket one, UnixDatagramSocket other) = Pair(new() { MaxDescriptors = 253 });
        Assert.Contains("253", (await Assert.ThrowsAsync<ArgumentException>(async () => await one.SendDescriptorsAsync(Data, [.. Enumerable.Repeat<SafeHandle>(pipe.Write, 254)]))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await one.SendDescriptorsAsync(Data, []));
        using var invalid = new SafeFileHandle();
        Assert.Contains("Handle 1 of 2", (await Assert.ThrowsAsync<ArgumentException>(async () => await one.SendDescriptorsAsync(Data, [pipe.Write, invalid]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => UnixDatagramSocket.Create(Loop, new() { MaxDescriptors = 254 }));

        await one.SendDescriptorsAsync(Data, [.. Enumerable.Repeat<SafeHandle>(pipe.Write, 253)]);
        UnixDatagramReceiveResult got = await ReceiveAsync(other, new byte[10]);
        Assert.Equal(253, got.Descriptors.Count);
        Close(got);
        pipe.Write.Dispose();
        Assert.True(pipe.HasNoWriter());
    }

    private static void Close(UnixDatagramReceiveResult result)
    {
        foreach (SafeFileHandle descriptor in result.Descriptors)
            descriptor.Dispose();
    }
}
