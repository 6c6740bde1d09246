namespace UnixLoop.Loop.Tests.Subprocesses;

public class RunTests : SubprocessTest
{
    [Fact]
    public async Task Run_BothStreams_AreCapturedApart()
    {
        SubprocessResult result = await RunAsync(Shell("echo out; echo err >&2; exit 3"));
        Assert.Equal("out\n", result.Output);
        Assert.Equal("err\n", result.Error);
        Assert.Equal(3, result.Exit.ExitCode);
        Assert.False(result.Truncated);
        Assert.False(result.TimedOut);
    }

    [Fact]
    public async Task Run_NoInput_ReadsTheEndAtOnce() =>
        Assert.Equal("0\n", (await RunAsync(Shell("wc -c | tr -d ' '"))).Output);

    [Fact]
    public async Task Run_InputOfNoBytes_ReadsTheEndAtOnce() =>
        Assert.Empty((await RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromBytes(default) })).Output);

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(3_000_000)]
    public async Task Run_InputOfAnySize_ComesBack(int size)
    {
        byte[] data = new byte[size];
        new Random(size).NextBytes(data);
        SubprocessResult bytes = await RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromBytes(data) });
        Assert.True(bytes.OutputBytes.Span.SequenceEqual(data));
        SubprocessResult stream = await RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromStream(new MemoryStream(data)) });
        Assert.True(stream.OutputBytes.Span.SequenceEqual(data));
    }

    [Fact]
    public async Task Run_InputAsText_IsUtf8() =>
        Assert.Equal("grün 日本", (await RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromText("grün 日本") })).Output);

    [Fact]
    public async Task Run_ChildDoesNotReadItsInput_IsNoError()
    {
        byte[] data = new byte[3_000_000];
        Assert.True((await RunAsync(Shell("exit 0"), new() { Input = SubprocessInput.FromBytes(data) })).Exit.IsSuccess);
        Assert.True((await RunAsync(Shell("exit 0"), new() { Input = SubprocessInput.FromStream(new MemoryStream(data)) })).Exit.IsSuccess);
        Assert.Equal("x", (await RunAsync(Shell("head -c 1"), new() { Input = SubprocessInput.FromText(new string('x', 300_000)) })).Output);
    }

    [Fact]
    public async Task Run_InputStreamFails_StopsTheChildAndThrowsThat()
    {
        Task<SubprocessResult> run = RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromStream(new FailingStream()) });
        Assert.Equal("the source is broken", (await Assert.ThrowsAsync<InvalidDataException>(() => run)).Message);
    }

    [Fact]
    public async Task Run_InputStreamNeverEnds_TheExitEndsTheRun()
    {
        using var gate = new SemaphoreSlim(0);
        SubprocessResult result = await RunAsync(Shell("exit 5"), new() { Input = SubprocessInput.FromStream(new HangingStream(gate)), DrainBound = TimeSpan.FromMilliseconds(10) });
        Assert.Equal(5, result.Exit.ExitCode);
        gate.Release();
    }

    [Fact]
    public async Task Run_OverTheLimit_KeepsTheBeginningAndSaysSo()
    {
        SubprocessResult result = await RunAsync(Shell("seq 1 100000; echo err >&2"), new() { MaxOutputBytes = 10 });
        Assert.Equal("1\n2\n3\n4\n5\n", result.Output);
        Assert.Equal("err\n", result.Error);
        Assert.True(result.Truncated);
        Assert.True(result.Exit.IsSuccess);
    }

    [Fact]
    public async Task Run_ExactlyTheLimit_IsNotTruncated()
    {
        SubprocessResult result = await RunAsync(new("/bin/echo", "12345"), new() { MaxOutputBytes = 6 });
        Assert.Equal("12345\n", result.Output);
        Assert.False(result.Truncated);
    }

    [Fact]
    public async Task Run_StreamsThatGoElsewhere_AreNotCaptured()
    {
        string path = Path.GetTempFileName();
        SubprocessStartInfo startInfo = Shell("echo out; echo err >&2");
        startInfo.Output = Stdio.File(path);
        SubprocessResult result = await RunAsync(startInfo);
        Assert.Empty(result.Output);
        Assert.Equal("err\n", result.Error);
        Assert.Equal("out\n", await File.ReadAllTextAsync(path));
        File.Delete(path);
    }

    [Fact]
    public async Task Run_ErrorAsOutput_IsCapturedThere()
    {
        SubprocessStartInfo startInfo = Shell("echo out; echo err >&2");
        startInfo.Error = Stdio.AsOutput;
        SubprocessResult result = await RunAsync(startInfo);
        Assert.Equal("out\nerr\n", result.Output);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Run_GrandchildHoldsThePipes_EndsAtTheDrainBound()
    {
        SubprocessResult result = await RunAsync(Shell("echo $$; sleep 1000 & echo $!"), new() { DrainBound = TimeSpan.FromMilliseconds(50) });
        Assert.True(result.Truncated);
        Assert.True(result.Exit.IsSuccess);
        string[] pids = result.Output.Split('\n');
        TestSupport.Interop.TestLibc.Kill(int.Parse(pids[1]), 9);
    }

    [Fact]
    public async Task EnsureSuccess_OfEachResult_ThrowsWhatItSays()
    {
        Assert.Equal("ok\n", (await RunAsync(Shell("echo ok"))).EnsureSuccess().Output);
        SubprocessResult failed = await RunAsync(Shell("echo why >&2; exit 3"));
        SubprocessFailedException error = Assert.Throws<SubprocessFailedException>(() => failed.EnsureSuccess());
        Assert.Equal("'/bin/sh -c echo why >&2; exit 3 sh' ended with exit code 3: why", error.Message);
        Assert.Equal(3, error.Exit.ExitCode);
    }

    [Fact]
    public async Task Failure_OfAnotherEncoding_IsReadable()
    {
        SubprocessStartInfo info = Shell("printf 'gr\\374n' >&2; exit 3");
        SubprocessRunOptions options = new() { Encoding = System.Text.Encoding.Latin1 };
        Assert.EndsWith("ended with exit code 3: grün", Assert.Throws<SubprocessFailedException>((await RunAsync(info, options)).EnsureSuccess).Message);
        SubprocessFailedException told = await Assert.ThrowsAsync<SubprocessFailedException>(async () =>
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(info, options))
                Assert.Equal("grün", line.Text);
        });
        Assert.EndsWith("ended with exit code 3: grün", told.Message);
    }

    [Fact]
    public async Task Failure_OfUtf16ThatIsCutAtAnOddByte_IsReadable()
    {
        SubprocessRunOptions options = new() { Encoding = System.Text.Encoding.Unicode, MaxOutputBytes = 5001 };
        SubprocessResult result = await RunAsync(Shell("yes a | head -c 6000 | tr '\\n' '\\0' >&2; exit 3"), options);
        Assert.EndsWith("aaaaa\ufffd", Assert.Throws<SubprocessFailedException>(result.EnsureSuccess).Message);
    }

    [Fact]
    public async Task Run_ShellWithTwoSleepsTimedOut_DoesNotHang()
    {
        // The shell's children held the pipe: asyncio hung here (bpo-43884).
        SubprocessResult result = await RunAsync(Shell("sleep 1000; sleep 1000"), new() { Timeout = TimeSpan.FromMilliseconds(200), StopGrace = TimeSpan.Zero });
        Assert.True(result.TimedOut);
        Assert.Equal(-9, result.Exit.ReturnCode);
    }

    [Fact]
    public async Task Run_AHundredInParallel_LosesNone()
    {
        SubprocessResult[] results = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => RunAsync(new("/bin/echo", $"number {i}"))));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"number {i}\n"), results.Select(result => result.Output));
    }

    [Fact]
    public async Task Run_OnTheLoop_EndsOnTheLoop()
    {
        (string output, bool onLoop) = await Loop.InvokeAsync(async () =>
        {
            SubprocessResult result = await Factory.RunAsync(new("/bin/cat"), new() { Input = SubprocessInput.FromText("hello") });
            return (result.Output, Loop.IsOnLoopThread);
        }).WaitAsync(TestTimeout);
        Assert.Equal("hello", output);
        Assert.True(onLoop);
    }

    [Fact]
    public async Task Run_AwaitedOffTheLoop_NeverContinuesOnIt()
    {
        for (int i = 0; i < 20; i++)
        {
            await Factory.RunAsync(new("/bin/true")).WaitAsync(TestTimeout);
            Assert.False(Loop.IsOnLoopThread);
            bool onLoop = await Loop.InvokeAsync(async () =>
            {
                await Factory.RunAsync(new("/bin/true")).ConfigureAwait(false);
                return Loop.IsOnLoopThread || UnixLoop.Subprocesses.LaunchThread.IsCurrent;
            }).WaitAsync(TestTimeout);
            Assert.False(onLoop);
        }
    }

    [Fact]
    public async Task Run_OptionsThatContradict_AreRefusedByName()
    {
        SubprocessStartInfo piped = new("/bin/cat") { Input = Stdio.Pipe };
        Assert.Contains("Input", (await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(piped))).Message, StringComparison.Ordinal);
        SubprocessStartInfo both = new("/bin/cat") { Input = Stdio.Null };
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(both, new() { Input = SubprocessInput.FromText("") }));
        foreach ((SubprocessRunOptions options, string name) in ((SubprocessRunOptions, string)[])[
            (new() { MaxOutputBytes = -1 }, "MaxOutputBytes"),
            (new() { MaxLineBytes = 0 }, "MaxLineBytes"),
            (new() { Timeout = TimeSpan.Zero }, "Timeout"),
            (new() { Timeout = TimeSpan.FromDays(60) }, "Timeout"),
            (new() { StopGrace = TimeSpan.FromTicks(-1) }, "StopGrace"),
            (new() { DrainBound = TimeSpan.FromTicks(-1) }, "DrainBound")])
        {
            ArgumentException error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => RunAsync(new("/bin/true"), options));
            Assert.Contains(name, error.ParamName, StringComparison.Ordinal);
        }
    }

    private sealed class FailingStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromException<int>(new InvalidDataException("the source is broken"));
    }

    /// <summary>A read that no token ends.</summary>
    private sealed class HangingStream(SemaphoreSlim gate) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await gate.WaitAsync(CancellationToken.None);
            return 0;
        }
    }
}
