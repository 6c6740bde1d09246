using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile.Issues;

/// <summary>A copy that waited for what was queued before it met neither a cancelled read nor the source's end, for as long as the peer did not read.</summary>
public sealed class CopiesThatWaitToBeginTests : SendFileTest
{
    private static readonly byte[] Queued = Pattern(20_000);

    [Fact]
    public async Task CancelPendingRead_EarlierWritesAreQueued_EndsTheCopy()
    {
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, Socket, new() { CloseTimeout = TimeSpan.Zero });
        await using ReadPipe pipe = ReadPipe.Create(Loop, out var writeEnd);
        using (writeEnd)
        {
            int filled = ConnectionTest.Fill(Socket);
            await connection.Output.WriteAsync(Queued);
            Task copying = pipe.Input.CopyToAsync(connection.Output);
            Assert.False(copying.IsCompleted);
            pipe.Input.CancelPendingRead();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));
            PosixError.ThrowIfError(Libc.Write((int)writeEnd.DangerousGetHandle(), "late"u8), "write");
            Assert.False((await pipe.Input.ReadAsync().AsTask().WaitAsync(TestTimeout)).IsCanceled);
            await connection.Output.WriteAsync("!"u8.ToArray());
            Assert.Equal([.. Queued, .. "!"u8], ConnectionTest.Receive(Peer, filled + Queued.Length + 1)[filled..]);
        }
    }

    [Fact]
    public async Task SourceDisposed_EarlierWritesAreQueued_EndsTheCopy()
    {
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, Socket, new() { CloseTimeout = TimeSpan.Zero });
        ReadPipe pipe = ReadPipe.Create(Loop, out var writeEnd);
        using (writeEnd)
        {
            ConnectionTest.Fill(Socket);
            await connection.Output.WriteAsync(Queued);
            Task copying = pipe.Input.CopyToAsync(connection.Output);
            Assert.False(copying.IsCompleted);
            await pipe.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => copying.WaitAsync(TestTimeout));
        }
    }
}
