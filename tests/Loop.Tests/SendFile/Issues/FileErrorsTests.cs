using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile.Issues;

/// <summary>An error of a file that is itself a socket was taken for the connection's, and ended its output; a handle that isn't open for reading failed late, and by the name of something else.</summary>
public sealed class FileErrorsTests : SendFileTest
{
    private UnixStreamConnection _connection = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _connection = UnixStreamConnection.FromSocket(Loop, Socket);
    }

    public override async ValueTask DisposeAsync()
    {
        _connection.Abort();
        await _connection.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task SendFile_FileIsASocketThatIsReset_LeavesTheOutputUsable()
    {
        (UnixHandle source, UnixHandle feeder) = ConnectionTest.NewSocketPair();
        using (source)
        using (var file = new SafeFileHandle(source.Descriptor, ownsHandle: false))
        {
            ConnectionTest.Send(source, "never read");
            ConnectionTest.Send(feeder, "data");
            feeder.Dispose(); // with bytes unread: ECONNRESET for who reads the other end
            IOException failure = await Assert.ThrowsAsync<IOException>(() => _connection.SendFileAsync(file).WaitAsync(TestTimeout));
            Assert.Equal(ECONNRESET, failure.HResult);
            Assert.StartsWith("ECONNRESET: read of", failure.Message, StringComparison.Ordinal);
            await _connection.Output.WriteAsync(" and more"u8.ToArray());
            Assert.Equal("data and more", ConnectionTest.ReceiveText(Peer, 13));
        }
    }

    [Theory, InlineData(SendFileFallback.Allow), InlineData(SendFileFallback.Forbid)]
    public async Task SendFile_HandleIsNotOpenForReading_IsAnArgumentException(SendFileFallback fallback)
    {
        using SafeFileHandle file = File.OpenHandle(NewFile([1, 2, 3]), FileMode.Open, FileAccess.Write);
        await Assert.ThrowsAsync<ArgumentException>(() => _connection.SendFileAsync(file, fallback: fallback).WaitAsync(TestTimeout));
    }

    [Theory, InlineData(1L << 45), InlineData(long.MaxValue - 10)]
    public async Task SendFile_OffsetFarBehindTheEnd_SendsNothing(long offset)
    {
        using SafeFileHandle file = File.OpenHandle(NewFile([1, 2, 3]));
        Assert.Equal(0, await _connection.SendFileAsync(file, offset).WaitAsync(TestTimeout));
    }
}
