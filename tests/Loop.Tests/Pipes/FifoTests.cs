using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>FIFOs opened by path (tokio's net_unix_pipe among others).</summary>
public sealed class FifoTests : PublicPipeTest
{
    [Fact]
    public async Task Fifo_ReaderFirst_CarriesBytesAndTheEnd()
    {
        string path = NewFifo();
        await using ReadPipe reader = ReadPipe.Open(Loop, path);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3); // no writer yet is no end
        WritePipe writer = await WritePipe.OpenAsync(Loop, path).WaitAsync(TestTimeout);
        await WriteAsync(writer, "through a FIFO");
        await ExpectAsync(reader.Input, "through a FIFO");
        await writer.DisposeAsync();
        await ExpectEndAsync(reader.Input);
        Assert.Equal($"ReadPipe: '{path}' (descriptor (closed), Ended)", reader.ToString());
    }

    [Fact]
    public async Task Fifo_WriterFirst_WaitsForTheReader()
    {
        string path = NewFifo();
        Task<WritePipe> opening = WritePipe.OpenAsync(Loop, path);
        Assert.False(opening.IsCompleted);
        await using ReadPipe reader = ReadPipe.Open(Loop, path);
        await using WritePipe writer = await opening.WaitAsync(TestTimeout);
        await WriteAsync(writer, "at last");
        await ExpectAsync(reader.Input, "at last");
    }

    [Fact]
    public async Task Fifo_WriterFirst_FindsAReaderThatWaitsInOpen()
    {
        string path = NewFifo();
        Task<WritePipe> opening = WritePipe.OpenAsync(Loop, path);
        Task<string> reading = Task.Run(() => File.ReadAllText(path));
        await using (WritePipe writer = await opening.WaitAsync(TestTimeout))
            await WriteAsync(writer, "both waited");
        Assert.Equal("both waited", await reading.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Fifo_WaitForAReader_CanBeCancelled()
    {
        string path = NewFifo();
        using var cancel = new CancellationTokenSource();
        Task<WritePipe> opening = WritePipe.OpenAsync(Loop, path, cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(TestTimeout));
        Assert.Equal(cancel.Token, e.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WritePipe.OpenAsync(Loop, path, cancellationToken: cancel.Token));
    }

    [Fact]
    public async Task Fifo_WaitForAReader_EndsWithTheLoop()
    {
        Task<WritePipe> opening = WritePipe.OpenAsync(Loop, NewFifo());
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => opening.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Fifo_SurvivingReader_OutlivesItsWriters()
    {
        string path = NewFifo();
        await using ReadPipe reader = ReadPipe.Open(Loop, path, new ReadPipeOptions { SurvivesWriters = true });
        for (int i = 0; i < 3; i++)
        {
            using (UnixHandle writer = OpenFifo(path, O_WRONLY))
                Put(writer, $"writer {i}");
            await ExpectAsync(reader.Input, $"writer {i}");
        }
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.False(reader.Completion.IsCompleted);
    }

    [Fact]
    public async Task Fifo_SeveralWriters_EndsWithTheLast()
    {
        string path = NewFifo();
        await using ReadPipe reader = ReadPipe.Open(Loop, path);
        using UnixHandle one = OpenFifo(path, O_WRONLY), other = OpenFifo(path, O_WRONLY);
        Put(one, "one");
        await ExpectAsync(reader.Input, "one");
        one.Dispose();
        Put(other, "other");
        await ExpectAsync(reader.Input, "other");
        Assert.False(reader.Completion.IsCompleted);
        other.Dispose();
        await ExpectEndAsync(reader.Input);
    }

    [Fact]
    public async Task Fifo_FromAHandleOpenBothWays_IsTakenForReadingAndForWriting()
    {
        string path = NewFifo();
        await using ReadPipe reader = ReadPipe.FromHandle(Loop, OpenFifo(path, O_RDWR));
        await using WritePipe writer = WritePipe.FromHandle(Loop, OpenFifo(path, O_RDWR));
        await WriteAsync(writer, "x");
        await ExpectAsync(reader.Input, "x");
    }
}
