using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>Bad input that was taken, or refused only later.</summary>
public sealed class LateRefusalsTests : ListenerTest
{
    [Fact]
    public void HttpHandler_OptionOutOfRange_IsRefusedAtOnce() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => UnixSocketHttpHandler.Create(Loop, AddressOf(SocketPath), new() { InputHighWaterMark = -1 }).Dispose());

    [Theory]
    [InlineData("owner", 0, "NUL character at index 4")]
    [InlineData("group", 0, "NUL character at index 4")]
    [InlineData("allowed", 0, "NUL character at index 4")]
    [InlineData("lock", 0, "NUL character at index")]
    [InlineData("owner", 0xD800, "half a surrogate pair")]
    [InlineData("lock", 0xD800, "half a surrogate pair")]
    public async Task Listener_TextThatTheKernelWouldSeeAsAnother_IsRefused(string what, int character, string why)
    {
        string text = $"root{(char)character}"; // half a pair in an attribute would be stored as another character
        UnixStreamListenerOptions options = what switch
        {
            "owner" => new() { Owner = text },
            "group" => new() { Group = text },
            "allowed" => new() { AllowedUsers = [text] },
            _ => new() { LockDirectory = $"{Folder}/{text}" },
        };
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(async () => await DisposeAsync(await BindAsync(SocketPath, options)));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Address_TextThatIsNoUnicode_IsRefused() =>
        Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromPath(Folder + "/a\ud800"));

    [Fact]
    public async Task Closed_PeerClosesWhileReadingIsPaused_IsCancelledOnceAllIsRead()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own, new() { InputHighWaterMark = 0, InputLowWaterMark = 0 });
        ConnectionTest.Send(peer, "first");
        Eventually.True(() => connection.GetStatistics().BytesRead == 5, "the first is read");
        ConnectionTest.Send(peer, "second");
        peer.Dispose();
        Eventually.True(() => connection.Output.FlushAsync().AsTask().Result.IsCompleted, "the output is over");
        Assert.False(connection.Closed.IsCancellationRequested);
        Assert.Equal("firstsecond", System.Text.Encoding.ASCII.GetString(await ConnectionTest.ReadToEndAsync(connection.Input)));
        await ConnectionTest.ClosedAsync(connection);
        await DisposeAsync(connection);
    }

    [Fact]
    public async Task Dispose_WhileTheLastResultIsLookedAt_ReadsFailAfterwards()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own);
        ConnectionTest.Send(peer, "bytes");
        peer.Dispose();
        Eventually.True(() => connection.Closed.IsCancellationRequested, "both directions are over");
        ReadResult read = await connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        await DisposeAsync(connection);
        connection.Input.AdvanceTo(read.Buffer.End);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout));
    }
}
