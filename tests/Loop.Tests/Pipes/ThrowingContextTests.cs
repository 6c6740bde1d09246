using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>A context that takes no work any more loses who awaits in it; the pipe's end comes all the same, and the loop is told.</summary>
public sealed class ThrowingContextTests : PublicPipeTest
{
    private Func<Task> _assertReported = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _assertReported = ThrowingContext.ExpectReport(Loop);
    }

    [Fact]
    public async Task End_TheReadersContextThrows_ThePipeEnds()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        _ = ThrowingContext.Within(async () => await pipe.Input.ReadAsync());
        writeEnd.Dispose();
        await EndOf(pipe);
        await _assertReported();
    }

    [Fact]
    public async Task Close_TheReadersContextThrows_ThePipeEnds()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        using (writeEnd)
        {
            _ = ThrowingContext.Within(async () => await pipe.Input.ReadAsync());
            await pipe.DisposeAsync();
            await EndOf(pipe);
        }
        await _assertReported();
    }

    [Fact]
    public async Task End_TheWritersContextThrows_ThePipeEnds()
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        _ = ThrowingContext.Within(async () => await pipe.Output.WriteAsync(new byte[1024 * 1024]));
        readEnd.Dispose();
        await Assert.ThrowsAsync<IOException>(() => pipe.Completion.WaitAsync(TestTimeout));
        await _assertReported();
    }

    /// <summary>The last write of the loop's makes room, of which the writer is told: the loop spun on EPOLLOUT.</summary>
    [Fact]
    public async Task Room_TheWritersContextThrows_TheLoopSleeps()
    {
        const int Bytes = (64 * 1024) + 2000;
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd, new() { HighWaterMark = 1000, LowWaterMark = 10 });
        using (readEnd)
        {
            _ = ThrowingContext.Within(async () => await pipe.Output.WriteAsync(new byte[Bytes]));
            byte[] block = new byte[Bytes];
            for (int left = Bytes; left > 0;)
                left -= PosixError.ThrowIfError(Libc.Read((int)readEnd.DangerousGetHandle(), block), "read");
            await _assertReported();
            Assert.InRange(await CountIdleTurnsAsync(), 0, 2);
        }
    }
}
