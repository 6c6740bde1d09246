namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class ReadLinesTests : SubprocessTest
{
    [Fact]
    public async Task Lines_OfBothStreams_AreTaggedInTheOrderTheyCame()
    {
        List<SubprocessLine> lines = await AllAsync(Shell("echo a; sleep 0.2; echo b >&2; sleep 0.2; printf c"));
        Assert.Equal([new("a", false), new("b", true), new("c", false)], lines);
    }

    [Fact]
    public async Task Lines_OfManyBytes_AllCome()
    {
        List<SubprocessLine> lines = await AllAsync(new("/usr/bin/seq", "1", "300000"));
        Assert.Equal(300_000, lines.Count);
        Assert.Equal(Enumerable.Range(1, 300_000).Select(i => $"{i}"), lines.Select(line => line.Text));
    }

    [Fact]
    public async Task Lines_ReaderIsSlow_TheChildIsHeldBackAndNothingIsLost()
    {
        int count = 0;
        await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("yes 0123456789 | head -c 5500000")).WithCancellation(CancellationToken.None))
        {
            if (count++ == 0)
                await SettleAsync();
            Assert.Equal("0123456789", line.Text);
        }
        Assert.Equal(500_000, count);
    }

    [Fact]
    public async Task Lines_TooLong_AreCutAndMarked()
    {
        List<SubprocessLine> lines = await AllAsync(Shell("head -c 100000 /dev/zero | tr '\\0' x; echo; echo short"), new() { MaxLineBytes = 10 });
        Assert.Equal([new("xxxxxxxxxx", false, true), new("short", false)], lines);
    }

    [Fact]
    public async Task Lines_CharacterSplitBetweenReads_IsPutTogether()
    {
        List<SubprocessLine> lines = await AllAsync(Shell("printf '\\303'; sleep 0.2; printf '\\274\\n'"));
        Assert.Equal("ü", Assert.Single(lines).Text);
    }

    [Fact]
    public async Task Lines_NonZeroExit_ThrowsAfterTheLastLineWithTheEndOfStandardError()
    {
        List<SubprocessLine> lines = [];
        SubprocessFailedException error = await Assert.ThrowsAsync<SubprocessFailedException>(async () =>
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo last; echo why >&2; exit 9")))
                lines.Add(line);
        });
        Assert.Equal(2, lines.Count);
        Assert.Equal(9, error.Exit.ExitCode);
        Assert.EndsWith("ended with exit code 9: why", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_LeftEarly_StopsTheChildAndReapsIt()
    {
        int pid = 0;
        await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo $$; while :; do echo x; done"), new() { StopGrace = TimeSpan.FromSeconds(1) }))
        {
            pid = int.Parse(line.Text);
            break;
        }
        Assert.Null(StateOf(pid));
    }

    [Fact]
    public async Task Lines_LeftEarlyWithAFullQueue_TheChildCanStillWriteItsLastWords()
    {
        string file = Path.GetTempFileName();
        int lines = 0;
        await foreach (SubprocessLine _ in Factory.ReadLinesAsync(
            Shell("trap 'head -c 3000000 /dev/zero; echo done > $1; exit' TERM; echo x; head -c 3000000 /dev/zero & wait; while :; do sleep 0.01; done", file),
            new() { StopGrace = TestTimeout }))
        {
            lines++;
            break;
        }
        Assert.Equal(1, lines);
        Assert.Equal("done\n", await File.ReadAllTextAsync(file));
        File.Delete(file);
    }

    [Fact]
    public async Task Lines_LoopBodyThrows_StopsTheChild()
    {
        int pid = 0;
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo $$; exec sleep 1000")))
            {
                pid = int.Parse(line.Text);
                throw new InvalidTimeZoneException();
            }
        });
        Assert.Null(StateOf(pid));
    }

    [Fact]
    public async Task Lines_Cancelled_StopsTheChildAndThrowsWithThatToken()
    {
        using var cancel = new CancellationTokenSource();
        int pid = 0;
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo $$; exec sleep 1000"), cancellationToken: cancel.Token))
            {
                pid = int.Parse(line.Text);
                cancel.CancelAfter(TimeSpan.FromMilliseconds(20));
            }
        });
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.Null(StateOf(pid));
    }

    [Fact]
    public async Task Lines_GrandchildHoldsThePipe_EndAtTheDrainBound()
    {
        List<SubprocessLine> lines = await AllAsync(Shell("sleep 1000 & echo $!"), new() { DrainBound = TimeSpan.FromMilliseconds(50) });
        TestSupport.Interop.TestLibc.Kill(int.Parse(Assert.Single(lines).Text), 9);
    }

    [Fact]
    public async Task Lines_WithInput_AreTheChildsAnswer() =>
        Assert.Equal(["b", "a"], (await AllAsync(new("/usr/bin/tac"), new() { Input = SubprocessInput.FromText("a\nb\n") })).Select(line => line.Text));

    [Fact]
    public async Task Lines_NotEnumerated_StartNothing()
    {
        _ = Factory.ReadLinesAsync(new("/no/such/program"));
        await Assert.ThrowsAsync<SubprocessStartException>(() => AllAsync(new("/no/such/program")));
        Assert.Throws<ArgumentException>(() => Factory.ReadLinesAsync(new("/bin/cat") { Input = Stdio.Pipe }));
    }

    [Fact]
    public async Task Lines_OnTheLoop_ComeOnTheLoop()
    {
        int count = await Loop.InvokeAsync(async () =>
        {
            int lines = 0;
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(Shell("echo a; echo b; echo c")))
                lines += Loop.IsOnLoopThread ? 1 : 0;
            return lines;
        }).WaitAsync(TestTimeout);
        Assert.Equal(3, count);
    }

    private async Task<List<SubprocessLine>> AllAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null)
    {
        async Task<List<SubprocessLine>> ReadAsync()
        {
            List<SubprocessLine> lines = [];
            await foreach (SubprocessLine line in Factory.ReadLinesAsync(startInfo, options))
                lines.Add(line);
            return lines;
        }
        return await ReadAsync().WaitAsync(TestTimeout);
    }
}
