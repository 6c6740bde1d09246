using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Subprocesses;

public class StreamTests : SubprocessTest
{
    [Fact]
    public async Task Streams_Cat_GivesBackWhatItGets()
    {
        await using ISubprocess child = await StartAsync(PipedShell("cat"));
        await child.Input.WriteAsync("some data"u8.ToArray());
        await ExpectAsync(child.Output, "some data");
        await child.Input.CompleteAsync();
        Assert.Empty(await ReadToEndAsync(child.Output));
        Assert.Empty(await ReadToEndAsync(child.Error));
        Assert.True((await ExitOf(child)).IsSuccess);
    }

    [Fact]
    public async Task Input_IsARealPipeThatTheChildCanOpenAgain()
    {
        await using ISubprocess child = await StartAsync(PipedShell("cat /dev/stdin"));
        await child.Input.WriteAsync("through the device"u8.ToArray());
        await child.Input.CompleteAsync();
        Assert.Equal("through the device", await ReadToEndAsync(child.Output));
    }

    [Fact]
    public async Task Input_OurEnd_IsNotInherited()
    {
        // Another child that lives on must not hold the first one's input open.
        await using ISubprocess reader = await StartAsync(PipedShell("cat"));
        await using ISubprocess bystander = await StartAsync(PipedShell("sleep 1000"));
        await reader.Input.CompleteAsync();
        Assert.True((await ExitOf(reader)).IsSuccess);
    }

    [Fact]
    public async Task Input_ChildEndsEarly_TheWriterIsTold()
    {
        await using ISubprocess child = await StartAsync(PipedShell("exit 0"));
        await ExitOf(child);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (!(await child.Input.WriteAsync(new byte[65536]).AsTask().WaitAsync(TestTimeout)).IsCompleted)
            {
            }
            throw new IOException("the clean end, where nothing was queued");
        });
    }

    [Fact]
    public async Task Input_ChildNeverReadsAndIsKilled_ABlockedWriterFails()
    {
        await using ISubprocess child = await StartAsync(new SubprocessStartInfo("/bin/sleep", "1000") { Input = Stdio.Pipe });
        Task<FlushResult> blocked = child.Input.WriteAsync(new byte[1_000_000]).AsTask();
        await SettleAsync();
        Assert.False(blocked.IsCompleted);
        child.Signal(UnixSignal.Kill);
        IOException error = await Assert.ThrowsAsync<IOException>(() => blocked.WaitAsync(TestTimeout));
        Assert.Equal($"EPIPE: write to standard input of '/bin/sleep' (pid {child.Id}): Broken pipe", error.Message);
        await ExitOf(child);
    }

    [Fact]
    public async Task Output_ReaderCompletes_TheChildGetsABrokenPipe()
    {
        await using ISubprocess child = await StartAsync(PipedShell("while :; do echo x; done"));
        await ExpectAsync(child.Output, "x");
        await child.Output.CompleteAsync();
        Assert.Equal(13, (await ExitOf(child)).Signal!.Value.Number);
    }

    [Fact]
    public async Task Output_ReaderStalls_TheChildIsHeldBackAndAllBytesCome()
    {
        const int total = 20_000_000;
        // The bytes go out on standard output, their hash on standard error.
        SubprocessStartInfo startInfo = PipedShell($"exec 3>&1; head -c {total} /dev/urandom | tee /proc/self/fd/3 | sha256sum | cut -d' ' -f1 >&2");
        await using ISubprocess child = await StartAsync(startInfo);
        var pump = ((UnixLoop.Subprocesses.Subprocess)child).OutputPump!;
        Eventually.True(() => pump.IsPaused, "the loop stops reading");
        Assert.Null(child.ExitStatus);

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length = 0;
        ReadResult read;
        do
        {
            read = await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout);
            foreach (ReadOnlyMemory<byte> part in read.Buffer)
                hash.AppendData(part.Span);
            length += read.Buffer.Length;
            child.Output.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
        Assert.Equal(total, length);
        Assert.Equal(Convert.ToHexStringLower(hash.GetHashAndReset()), (await ReadToEndAsync(child.Error)).Trim());
        Assert.True((await ExitOf(child)).IsSuccess);
    }

    [Fact]
    public async Task Rule02_ReaderStallsAndTheChildHasGone_TheLoopIsIdle()
    {
        await using ISubprocess child = await StartAsync(PipedShell("sleep 1000 & head -c 1100000 /dev/zero; kill $!; kill -KILL $$"));
        await ExitOf(child);
        await SettleAsync();
        long before = Loop.GetStatistics().Turns;
        using var idle = new ManualResetEventSlim();
        idle.Wait(TimeSpan.FromMilliseconds(200));
        Assert.InRange(Loop.GetStatistics().Turns - before, 0, 3);
        Assert.Equal(1_100_000, (await ReadToEndAsync(child.Output)).Length);
    }

    [Fact]
    public async Task Error_AsOutput_SharesOnePipeInOrder()
    {
        SubprocessStartInfo startInfo = Shell("echo a; echo b >&2; echo c");
        startInfo.Output = Stdio.Pipe;
        startInfo.Error = Stdio.AsOutput;
        await using ISubprocess child = await StartAsync(startInfo);
        Assert.Equal("a\nb\nc\n", await ReadToEndAsync(child.Output));
        Assert.Throws<InvalidOperationException>(() => child.Error);
        await ExitOf(child);
    }

    [Fact]
    public async Task Rule13_AskedForCapacity_IsKept()
    {
        SubprocessStartInfo startInfo = PipedShell("head -c 3000000 /dev/zero");
        startInfo.PipeCapacity = 4096;
        await using ISubprocess child = await StartAsync(startInfo);
        int before = PipeBudget.Shared.PagesLeft;
        Assert.Equal(3_000_000, (await ReadToEndAsync(child.Output)).Length);
        Assert.Equal(before, PipeBudget.Shared.PagesLeft);
        await ExitOf(child);
    }

    [Fact]
    public async Task Output_OfManyBytes_ArrivesThroughAStreamToo()
    {
        await using ISubprocess child = await StartAsync(PipedShell("seq 1 50000"));
        using var text = new StreamReader(child.Output.AsStream(), Encoding.ASCII);
        string all = await text.ReadToEndAsync().WaitAsync(TestTimeout);
        Assert.Equal(50000, all.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        await ExitOf(child);
    }
}
