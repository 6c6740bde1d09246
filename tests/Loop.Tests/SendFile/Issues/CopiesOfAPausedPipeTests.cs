using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>What a paused pipe had read and not yet shown to its reader was overtaken by the splice, and not copied.</summary>
public sealed class CopiesOfAPausedPipeTests : ConnectedSendFileTest
{
    [Fact]
    public async Task CopyTo_AfterACancelledCopyOfAPausedPipe_KeepsTheOrder()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out Microsoft.Win32.SafeHandles.SafeFileHandle writeEnd, new() { HighWaterMark = 16, LowWaterMark = 8 });
        using (writeEnd)
        {
            Write(writeEnd, "more than the high water mark, ");
            await SettleAsync();
            Write(writeEnd, "left in the pipe, ");
            pipe.Input.CancelPendingRead();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipe.Input.CopyToAsync(Connection.Output).WaitAsync(TestTimeout));
            await SettleAsync();
            Write(writeEnd, "and the last");
        }
        Task copying = pipe.Input.CopyToAsync(Connection.Output);
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        await copying;
        Assert.Equal("more than the high water mark, left in the pipe, and the last", System.Text.Encoding.ASCII.GetString(received));
    }

    /// <summary>At the exit all that the child has written is taken, also while paused; another process still holds the pipe.</summary>
    [Fact]
    public async Task CopyTo_ChildHasExitedWhileItsOutputWasPaused_KeepsTheOrder()
    {
        const int Written = 1_400_000;
        using PidfdChildWatcher watcher = new();
        watcher.Attach(Loop);
        await using SubprocessFactory factory = new(Loop, watcher);
        string go = NewPath();
        string script = $"(while [ ! -e {go} ]; do sleep 0.05; done; printf end) & head -c {Written} /dev/zero | tr '\\0' x";
        await using ISubprocess child = await factory.StartAsync(new SubprocessStartInfo("/bin/sh", "-c", script) { Output = Stdio.Pipe, PipeCapacity = 1024 * 1024 }); // what is not read has room, so that the child ends
        await child.WaitForExitAsync().WaitAsync(TestTimeout);
        Task copying = CopyAsync(child.Output);
        await File.WriteAllTextAsync(go, "");
        byte[] received = await ReadUntil(copying).WaitAsync(TestTimeout);
        await copying;
        Assert.Equal(Written + 3, received.Length);
        Assert.Equal("end"u8.ToArray(), received[^3..]);
    }

    /// <summary>Ends when all has been sent: a copy ends when no more than the high-water mark is left to send.</summary>
    private async Task CopyAsync(System.IO.Pipelines.PipeReader reader)
    {
        await reader.CopyToAsync(Connection.Output);
        await Connection.Output.CompleteAsync();
    }

    private static void Write(Microsoft.Win32.SafeHandles.SafeFileHandle pipe, string text) =>
        PosixError.ThrowIfError(Libc.Write((int)pipe.DangerousGetHandle(), System.Text.Encoding.ASCII.GetBytes(text)), "write");
}
