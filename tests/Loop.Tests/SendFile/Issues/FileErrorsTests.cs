using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.SendFile.Issues;

/// <summary>An error of a file that is itself a socket was taken for the connection's, and ended its output; a handle that isn't open for reading failed late, and by the name of something else.</summary>
public sealed class FileErrorsTests : ConnectedSendFileTest
{
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
            IOException failure = await Assert.ThrowsAsync<IOException>(() => Connection.SendFileAsync(file).WaitAsync(TestTimeout));
            Assert.Equal(ECONNRESET, failure.HResult);
            Assert.StartsWith("ECONNRESET: read of", failure.Message, StringComparison.Ordinal);
            await Connection.Output.WriteAsync(" and more"u8.ToArray());
            Assert.Equal("data and more", ConnectionTest.ReceiveText(Peer, 13));
        }
    }

    [Theory, InlineData(SendFileFallback.Allow), InlineData(SendFileFallback.Forbid)]
    public async Task SendFile_HandleIsNotOpenForReading_IsAnArgumentException(SendFileFallback fallback)
    {
        using SafeFileHandle file = File.OpenHandle(NewFile([1, 2, 3]), FileMode.Open, FileAccess.Write);
        await Assert.ThrowsAsync<ArgumentException>(() => Connection.SendFileAsync(file, fallback: fallback).WaitAsync(TestTimeout));
    }

    [Theory, InlineData(1L << 45), InlineData(long.MaxValue - 10)]
    public async Task SendFile_OffsetFarBehindTheEnd_SendsNothing(long offset)
    {
        using SafeFileHandle file = File.OpenHandle(NewFile([1, 2, 3]));
        Assert.Equal(0, await Connection.SendFileAsync(file, offset).WaitAsync(TestTimeout));
    }
}
