using System.Buffers;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Paths that the kernel would cut short, and a second copy to a writer that is still flushing for the first.</summary>
public sealed class TwoCopiesTests : PublicPipeTest
{
    [Fact]
    public void ReadOpen_NulInThePath_IsRefused()
    {
        string path = NewFifo();
        Assert.Throws<ArgumentException>(() => { ReadPipe.Open(Loop, path + "\0else").DisposeAsync().AsTask().Wait(); });
    }

    [Fact]
    public async Task WriteOpen_NulInThePath_IsRefused()
    {
        string path = NewFifo();
        using UnixHandle reader = OpenFifo(path, Tmds.Linux.LibC.O_RDONLY);
        await Assert.ThrowsAsync<ArgumentException>(async () => await (await WritePipe.OpenAsync(Loop, path + "\0else").WaitAsync(TestTimeout)).DisposeAsync());
    }

    [Fact]
    public async Task CopyTo_WhileAnotherCopyFlushesFirst_IsRefusedAndLeavesThatAlone()
    {
        await using WritePipe target = WritePipe.Create(Loop, out var readEnd, new() { HighWaterMark = 0, LowWaterMark = 0, CloseTimeout = TimeSpan.Zero });
        await using ReadPipe first = ReadPipe.Create(Loop, out var firstWriter);
        await using ReadPipe second = ReadPipe.Create(Loop, out var secondWriter);
        using (readEnd)
        using (firstWriter)
        using (secondWriter)
        {
            target.Output.Write(new byte[200_000]); // more than the pipe takes, and not flushed
            Task one = first.Input.CopyToAsync(target.Output);
            Task two = second.Input.CopyToAsync(target.Output);
            await Assert.ThrowsAsync<InvalidOperationException>(() => two.WaitAsync(TestTimeout));
            Assert.False(one.IsCompleted);
            firstWriter.Dispose();
            Task emptied = Task.Run(() =>
            {
                byte[] buffer = new byte[65536];
                for (int total = 0; total < 200_000;)
                    total += Libc.Read((int)readEnd.DangerousGetHandle(), buffer).IntValue;
            });
            await emptied.WaitAsync(TestTimeout);
            await one.WaitAsync(TestTimeout);
        }
    }
}
