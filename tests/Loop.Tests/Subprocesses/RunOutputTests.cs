using System.IO.Pipelines;
using System.Text;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class RunOutputTests : SubprocessTest
{
    private static readonly SubprocessRunOptions Hasty = new() { StopGrace = TimeSpan.Zero, DrainBound = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task ToStream_BothStreams_GoWhereTheyShall()
    {
        using MemoryStream output = new(), error = new();
        SubprocessResult result = await RunAsync(
            Shell("head -c 3000000 /dev/zero; echo err >&2; exit 3"),
            new() { Output = SubprocessOutput.ToStream(output), Error = SubprocessOutput.ToStream(error) });
        Assert.Equal((3, 3_000_000, "err\n"), (result.Exit.ExitCode, output.Length, Encoding.ASCII.GetString(error.ToArray())));
        Assert.True(result.OutputBytes.IsEmpty);
        Assert.True(result.ErrorBytes.IsEmpty);
        Assert.False(result.Truncated);
        Assert.True(output.CanWrite);
    }

    [Fact]
    public async Task ToStream_OneStream_LeavesTheOtherCaptured()
    {
        using MemoryStream output = new();
        SubprocessResult result = await RunAsync(Shell("echo out; echo err >&2"), new() { Output = SubprocessOutput.ToStream(output) });
        Assert.Equal(("out\n", "err\n"), (Encoding.ASCII.GetString(output.ToArray()), result.Error));
    }

    [Fact]
    public async Task ToPipeWriter_IsNotCompleted()
    {
        var pipe = new Pipe();
        await RunAsync(new("echo", "one"), new() { Output = SubprocessOutput.ToPipeWriter(pipe.Writer) });
        await RunAsync(new("echo", "two"), new() { Output = SubprocessOutput.ToPipeWriter(pipe.Writer) });
        await pipe.Writer.CompleteAsync();
        Assert.Equal("one\ntwo\n", await ReadToEndAsync(pipe.Reader));
    }

    [Fact]
    public async Task ToLines_LinesOfBothStreams_ComeInOrderAndMarked()
    {
        List<SubprocessLine> lines = [];
        ValueTask Add(SubprocessLine line, CancellationToken cancellationToken)
        {
            lock (lines)
                lines.Add(line);
            return ValueTask.CompletedTask;
        }
        await RunAsync(Shell("seq 1 30000; echo last >&2; printf 'no end'"), new() { Output = SubprocessOutput.ToLines(Add), Error = SubprocessOutput.ToLines(Add) });
        Assert.Equal(["last"], lines.Where(line => line.IsError).Select(line => line.Text));
        Assert.Equal([.. Enumerable.Range(1, 30000).Select(i => $"{i}"), "no end"], lines.Where(line => !line.IsError).Select(line => line.Text));
    }

    [Fact]
    public async Task ToLines_SlowHandler_HoldsTheChildBackAndGetsAll()
    {
        using var gate = new SemaphoreSlim(0);
        int count = 0;
        SubprocessOutput output = SubprocessOutput.ToLines(async (_, cancellationToken) =>
        {
            if (Interlocked.Increment(ref count) == 1)
                await gate.WaitAsync(cancellationToken);
        });
        string flag = Path.GetTempFileName();
        Task<SubprocessResult> run = RunAsync(Shell("yes | head -c 8000000; echo done > $1", flag), new() { Output = output });
        Eventually.True(() => count == 1, "the first line has come");
        Assert.False(Eventually.TryWait(() => new FileInfo(flag).Length > 0, TimeSpan.FromMilliseconds(200)), "the child waits in its write");
        gate.Release();
        Assert.True((await run).Exit.IsSuccess);
        Assert.Equal(4_000_000, count);
        File.Delete(flag);
    }

    [Fact]
    public async Task ToLines_StillBehindAtTheExit_GetsTheRest()
    {
        using var exited = new SemaphoreSlim(0);
        TaskCompletionSource<int> first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> lines = [];
        Task<SubprocessResult> run = RunAsync(Shell("echo $$; echo two; echo three"), new()
        {
            DrainBound = TimeSpan.Zero,
            Output = SubprocessOutput.ToLines(async (line, cancellationToken) =>
            {
                lines.Add(line.Text);
                if (lines.Count == 1)
                    first.SetResult(int.Parse(line.Text, System.Globalization.CultureInfo.InvariantCulture));
                await exited.WaitAsync(cancellationToken);
            }),
        });
        int pid = await first.Task.WaitAsync(TestTimeout);
        Eventually.True(() => StateOf(pid) is null, "the child is gone");
        Assert.False(run.IsCompleted);
        exited.Release(3);
        Assert.False((await run).Truncated);
        Assert.Equal(["two", "three"], lines[1..]);
    }

    [Fact]
    public async Task ToLines_HandlerThrows_StopsTheChildAndThrowsThat()
    {
        SubprocessRunOptions options = new() { StopGrace = TimeSpan.Zero, Output = SubprocessOutput.ToLines((_, _) => throw new InvalidDataException("enough")) };
        Assert.Equal("enough", (await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(Shell("echo line; exec sleep 1000"), options))).Message);
    }

    [Fact]
    public async Task ToLines_HandlerThrowsAfterTheExit_ThrowsThat()
    {
        using var exited = new SemaphoreSlim(0);
        int pid = 0;
        Task<SubprocessResult> run = RunAsync(Shell("echo $$"), new()
        {
            Output = SubprocessOutput.ToLines(async (line, cancellationToken) =>
            {
                pid = int.Parse(line.Text, System.Globalization.CultureInfo.InvariantCulture);
                await exited.WaitAsync(cancellationToken);
                throw new InvalidDataException("late");
            }),
        });
        Eventually.True(() => pid != 0 && StateOf(pid) is null, "the child is gone");
        exited.Release();
        Assert.Equal("late", (await Assert.ThrowsAsync<InvalidDataException>(() => run)).Message);
    }

    [Fact]
    public async Task ToReader_ReturnsEarly_TheChildGetsSigPipe()
    {
        SubprocessOutput first = SubprocessOutput.ToReader(async (reader, cancellationToken) =>
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            reader.AdvanceTo(read.Buffer.End);
        });
        Assert.Equal(UnixSignal.Pipe, (await RunAsync(new("yes"), new() { Output = first })).Exit.Signal);
    }

    [Fact]
    public async Task Cancel_WhileTheTargetIsBehind_EndsBoth()
    {
        using var cancel = new CancellationTokenSource();
        using var began = new SemaphoreSlim(0);
        SubprocessOutput hanging = SubprocessOutput.ToReader(async (_, cancellationToken) =>
        {
            began.Release();
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        });
        Task<SubprocessResult> run = RunAsync(Shell("echo out"), new() { Output = hanging }, cancel.Token);
        Assert.True(await began.WaitAsync(TestTimeout));
        await cancel.CancelAsync();
        Assert.Equal(cancel.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run)).CancellationToken);
    }

    [Fact]
    public async Task Cancel_TargetThatNoTokenEnds_IsLeftBehindAfterTheDrainBound()
    {
        using var cancel = new CancellationTokenSource();
        var never = new TaskCompletionSource();
        SubprocessRunOptions options = new() { StopGrace = Hasty.StopGrace, DrainBound = Hasty.DrainBound, Output = SubprocessOutput.ToReader((_, _) => never.Task) };
        Task<SubprocessResult> run = RunAsync(Sleep(), options, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        never.SetResult();
    }

    [Fact]
    public async Task Timeout_TargetThatNeverReturns_HasTheDrainBoundAndThenItsTokenIsCancelled()
    {
        SubprocessOutput hanging = SubprocessOutput.ToReader((_, cancellationToken) => new TaskCompletionSource().Task.WaitAsync(cancellationToken));
        SubprocessResult result = await RunAsync(
            Sleep(), new() { StopGrace = Hasty.StopGrace, DrainBound = Hasty.DrainBound, Output = hanging, Timeout = TimeSpan.FromMilliseconds(50) });
        Assert.True(result.TimedOut);
        Assert.True(result.Truncated);
    }

    [Fact]
    public async Task Grandchild_HoldsThePipe_EndsAtTheDrainBound()
    {
        using MemoryStream output = new();
        SubprocessResult result = await RunAsync(
            Shell("sleep 1000 & echo $!"), new() { Output = SubprocessOutput.ToStream(output), DrainBound = TimeSpan.FromMilliseconds(50) });
        Assert.True(result.Truncated);
        TestSupport.Interop.TestLibc.Kill(int.Parse(Encoding.ASCII.GetString(output.ToArray()), System.Globalization.CultureInfo.InvariantCulture), 9);
    }

    [Fact]
    public async Task Pipeline_Output_GoesToTheTargetAndTheStatusesStay()
    {
        using MemoryStream output = new();
        SubprocessResult result = await Factory.RunAsync(
            new SubprocessPipeline(Shell("echo one; echo err >&2; exit 4"), new("cat")), new() { Output = SubprocessOutput.ToStream(output) }).WaitAsync(TestTimeout);
        Assert.Equal((4, "err\n", "one\n"), (result.Exit.ExitCode, result.Error, Encoding.ASCII.GetString(output.ToArray())));
    }

    [Fact]
    public async Task Options_ThatContradict_AreRefusedByName()
    {
        SubprocessOutput sink = SubprocessOutput.ToStream(Stream.Null);
        await RefusedAsync(new("cat") { Output = Stdio.Null }, new() { Output = sink }, "SubprocessStartInfo.Output (null)");
        await RefusedAsync(new("cat") { Error = Stdio.AsOutput }, new() { Error = sink }, "SubprocessStartInfo.Error (as output)");
        await RefusedAsync(new("cat"), new() { Output = sink, Error = sink }, "AsOutput");
        Assert.Throws<ArgumentException>(() => Factory.ReadLinesAsync(new("cat"), new() { Error = sink }));
        await Assert.ThrowsAsync<ArgumentException>(() => Factory.RunAsync(new SubprocessPipeline(new("cat"), new("cat")), new() { Error = sink }));
    }

    private async Task RefusedAsync(SubprocessStartInfo startInfo, SubprocessRunOptions options, string text) =>
        Assert.Contains(text, (await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(startInfo, options))).Message, StringComparison.Ordinal);
}
