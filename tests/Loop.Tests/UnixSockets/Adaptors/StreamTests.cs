using System.Text;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Adaptors;

/// <summary>A connection as a stream.</summary>
public sealed class StreamTests : PairTest
{
    [Fact]
    public async Task Stream_LinesBothWays_ThenTheEnd()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        Stream left = one.AsStream();
        Stream right = other.AsStream();
        Assert.True(left is { CanRead: true, CanWrite: true, CanSeek: false });
        using var reader = new StreamReader(right, leaveOpen: true);
        await left.WriteAsync("question\nrest"u8.ToArray());
        Assert.Equal("question", await reader.ReadLineAsync().WaitAsync(TestTimeout));
        await right.WriteAsync("answer"u8.ToArray());
        byte[] buffer = new byte[6];
        await left.ReadExactlyAsync(buffer).AsTask().WaitAsync(TestTimeout);
        Assert.Equal("answer", Encoding.ASCII.GetString(buffer));
        await left.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal("rest", await reader.ReadToEndAsync().WaitAsync(TestTimeout));
        Assert.False(left.CanRead);
    }

    [Fact]
    public async Task Read_SmallerThanWhatIsThere_LeavesTheRest_AndZeroBytesWaitForData()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        Stream stream = other.AsStream();
        Task<int> none = stream.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.False(none.IsCompleted);
        await one.Output.WriteAsync("abc"u8.ToArray());
        Assert.Equal(0, await none.WaitAsync(TestTimeout));
        byte[] two = new byte[2];
        Assert.Equal(2, await stream.ReadAsync(two).AsTask().WaitAsync(TestTimeout));
        Assert.Equal("ab", Encoding.ASCII.GetString(two));
        Assert.Equal(1, await stream.ReadAsync(two).AsTask().WaitAsync(TestTimeout));
        await one.Output.CompleteAsync();
        Assert.Equal(0, await stream.ReadAsync(two).AsTask().WaitAsync(TestTimeout));
    }

    /// <summary>A stream of a connection that was over said that it can't be read, though bytes were there: a StreamReader was refused.</summary>
    [Fact]
    public async Task Read_PeerClosedBeforeTheStreamWasMade_GivesItsBytesAndTheEnd()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        await one.Output.WriteAsync("its last line\n"u8.ToArray());
        await one.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await ConnectionTest.ClosedAsync(other);
        using StreamReader reader = new(other.AsStream());
        Assert.Equal("its last line", await reader.ReadLineAsync().WaitAsync(TestTimeout));
        Assert.Null(await reader.ReadLineAsync().WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Read_Cancelled_LosesNothing()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        Stream stream = other.AsStream();
        using var cancel = new CancellationTokenSource();
        Task<int> reading = stream.ReadAsync(new byte[10], cancel.Token).AsTask();
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TestTimeout, CancellationToken.None));
        await one.Output.WriteAsync("still"u8.ToArray(), CancellationToken.None);
        byte[] buffer = new byte[5];
        await stream.ReadExactlyAsync(buffer, CancellationToken.None).AsTask().WaitAsync(TestTimeout, CancellationToken.None);
        Assert.Equal("still", Encoding.ASCII.GetString(buffer));
    }

    [Fact]
    public async Task Write_PeerGone_IsABrokenPipe()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        Stream stream = one.AsStream();
        other.Abort();
        IOException broken = await Assert.ThrowsAsync<IOException>(async () =>
        {
            for (int i = 0; i < 1000; i++)
                await stream.WriteAsync(new byte[1000]);
        });
        Assert.Equal(EPIPE, broken.HResult);
    }

    [Fact]
    public async Task BlockingRead_OnTheLoop_IsRefused()
    {
        (UnixStreamConnection one, _) = Pair();
        Stream stream = one.AsStream();
        await Loop.InvokeAsync(() => { Assert.Throws<InvalidOperationException>(() => stream.ReadByte()); }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Dispose_Blocking_ClosesTheConnection()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        one.AsStream().Close();
        Assert.True((await other.Input.ReadAsync().AsTask().WaitAsync(TestTimeout)).IsCompleted);
    }
}
