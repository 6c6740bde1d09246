using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Descriptors;

/// <summary>Descriptors on stream connections; that none is left is checked after each test.</summary>
public sealed class StreamDescriptorTests : PairTest
{
    private static readonly UnixStreamConnectionOptions Taking = new() { MaxDescriptors = 4 };

    [Fact]
    public async Task Rule28_Descriptors_AreThereWithTheByteTheyWereSentWith()
    {
        using TravellingPipe first = new();
        using TravellingPipe second = new();
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(Taking);
        await one.Output.WriteAsync("before"u8.ToArray());
        await one.SendDescriptorsAsync("1"u8.ToArray(), [first.Write]);
        await one.SendDescriptorsAsync("2"u8.ToArray(), [second.Write]);
        await one.Output.WriteAsync("after"u8.ToArray());
        Assert.Equal("before12after", await ReadTextAsync(other, 13));
        Assert.True(other.TryTakeDescriptor(out SafeFileHandle? got));
        Assert.True(TravellingPipe.IsCloseOnExec(got));
        TravellingPipe.WriteByte(got, 1);
        got.Dispose();
        Assert.True(other.TryTakeDescriptor(out got));
        TravellingPipe.WriteByte(got, 2);
        got.Dispose();
        Assert.False(other.TryTakeDescriptor(out _));
        Assert.Equal(1, first.ReadByte());
        Assert.Equal(2, second.ReadByte());
    }

    [Theory, InlineData("abort"), InlineData("dispose"), InlineData("dispose after both ends")]
    public async Task Rule28_NeverTaken_AreClosedWithTheConnection(string how)
    {
        using TravellingPipe pipe = new();
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(Taking);
        await one.SendDescriptorsAsync("x"u8.ToArray(), [pipe.Write]);
        pipe.Write.Dispose();
        Assert.Equal("x", await ReadTextAsync(other, 1));
        Assert.False(pipe.HasNoWriter());
        if (how == "abort")
            other.Abort();
        if (how == "dispose after both ends")
        {
            await one.Output.CompleteAsync();
            await other.Output.CompleteAsync();
            Eventually.True(() => other.Closed.IsCancellationRequested, "both directions are over");
            Assert.False(pipe.HasNoWriter());
        }
        await other.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.True(pipe.HasNoWriter());
        Assert.False(other.TryTakeDescriptor(out _));
    }

    [Fact]
    public async Task Rule28_NotAskedFor_TheKernelClosesThemAndTheBytesArrive()
    {
        using TravellingPipe pipe = new();
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        await one.SendDescriptorsAsync("bytes"u8.ToArray(), [pipe.Write]);
        pipe.Write.Dispose();
        Assert.Equal("bytes", await ReadTextAsync(other, 5));
        Assert.True(pipe.HasNoWriter());
        Assert.False(other.TryTakeDescriptor(out _));
    }

    [Fact]
    public async Task Rule28_MoreThanMayWait_FailTheInputByNameAndAreClosed()
    {
        using TravellingPipe pipe = new();
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(Taking);
        await one.SendDescriptorsAsync("x"u8.ToArray(), [.. Enumerable.Repeat<SafeHandle>(pipe.Write, 5)]);
        IOException failed = await Assert.ThrowsAsync<IOException>(async () => await ReadTextAsync(other, 1));
        Assert.Equal(ETOOMANYREFS, failed.HResult);
        Assert.StartsWith("ETOOMANYREFS", failed.Message, StringComparison.Ordinal);
        pipe.Write.Dispose();
        Assert.True(pipe.HasNoWriter());
    }

    [Fact]
    public async Task Rule28_QueuedAndNeverSent_AreGivenBack()
    {
        using TravellingPipe pipe = new();
        // So high a mark that a flush does not wait for what the socket has no room for.
        (UnixStreamConnection one, _) = Pair(new UnixStreamConnectionOptions { OutputHighWaterMark = 64 * 1024 * 1024 }, reads: false);
        await one.Output.WriteAsync(new byte[8 * 1024 * 1024]).AsTask().WaitAsync(TestTimeout);
        await one.SendDescriptorsAsync("x"u8.ToArray(), [pipe.Write]).AsTask().WaitAsync(TestTimeout);
        pipe.Write.Dispose();
        Assert.False(pipe.HasNoWriter());
        one.Abort();
        Eventually.True(pipe.HasNoWriter, "the borrowed handle is given back");
    }

    [Fact]
    public async Task SendDescriptors_OutputCompletedOrBusy_AreGivenBack()
    {
        using TravellingPipe pipe = new();
        (UnixStreamConnection one, _) = Pair(Taking, reads: false);
        Task full = one.Output.WriteAsync(new byte[8 * 1024 * 1024]).AsTask();
        Assert.False(full.IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await one.SendDescriptorsAsync("x"u8.ToArray(), [pipe.Write]));
        one.Abort();
        await Assert.ThrowsAsync<IOException>(() => full.WaitAsync(TestTimeout));
        await Assert.ThrowsAsync<IOException>(async () => await one.SendDescriptorsAsync("x"u8.ToArray(), [pipe.Write]));
        pipe.Write.Dispose();
        Assert.True(pipe.HasNoWriter());
    }

    [Fact]
    public async Task SendDescriptors_NoByteOrNoDescriptor_IsRefused()
    {
        using TravellingPipe pipe = new();
        (UnixStreamConnection one, _) = Pair(Taking);
        await Assert.ThrowsAsync<ArgumentException>(async () => await one.SendDescriptorsAsync(ReadOnlyMemory<byte>.Empty, [pipe.Write]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await one.SendDescriptorsAsync("x"u8.ToArray(), []));
        Assert.Throws<ArgumentOutOfRangeException>(() => Pair(new UnixStreamConnectionOptions { MaxDescriptors = 254 }));
    }
}
