namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class StartTests : SubprocessTest
{
    [Fact]
    public async Task Start_Default_InheritsTheStreamsAndHasAnId()
    {
        await using ISubprocess child = await StartAsync(new("/bin/true"));
        Assert.True(child.Id > 1);
        Assert.Equal("/bin/true", child.FileName);
        ChildExitStatus exit = await ExitOf(child);
        Assert.True(exit.IsSuccess);
        Assert.Equal(exit, child.ExitStatus);
        Assert.InRange(exit.RunTime, TimeSpan.FromTicks(1), TestTimeout);
        Assert.NotNull(exit.ResourceUsage);
    }

    [Fact]
    public async Task Start_OffTheLoop_HasCompletedWhenItReturns()
    {
        ValueTask<ISubprocess> start = Factory.StartAsync(new("/bin/true"));
        Assert.True(start.IsCompletedSuccessfully);
        await using ISubprocess child = await start;
        await ExitOf(child);
    }

    [Fact]
    public async Task Start_OnTheLoopManyAtOnce_AllStart()
    {
        await Loop.InvokeAsync(async () =>
        {
            Task<ISubprocess>[] starts = [.. Enumerable.Range(0, 20).Select(_ => Factory.StartAsync(new("/bin/true")).AsTask())];
            foreach (ISubprocess child in await Task.WhenAll(starts))
            {
                Assert.True((await child.WaitForExitAsync()).IsSuccess);
                await child.DisposeAsync();
            }
        }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Start_OnTheLoopAndFailing_ThrowsThere()
    {
        await Loop.InvokeAsync(async () =>
        {
            SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(async () => await Factory.StartAsync(new("/no/such/program")));
            Assert.Equal(SubprocessStartError.NotFound, error.Reason);
        }).WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Start_NotFound_LeavesNoPipes()
    {
        SubprocessStartInfo startInfo = new("/no/such/program") { Input = Stdio.Pipe, Output = Stdio.Pipe, Error = Stdio.Pipe };
        SubprocessStartException error = await Assert.ThrowsAsync<SubprocessStartException>(() => StartAsync(startInfo));
        Assert.Equal("ENOENT", error.ErrorName);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Start_WatcherNotActive_IsRefusedBeforeAnythingIsOpened()
    {
        using var detached = new PidfdChildWatcher();
        await using var factory = new SubprocessFactory(Loop, detached);
        // The program does not exist: that would be the error if the check came later.
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(async () => await factory.StartAsync(new("/no/such/program")));
        Assert.Contains("PidfdChildWatcher is not active", error.Message, StringComparison.Ordinal);
        Assert.Contains($"loop '{Loop.Name}' is Running", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_LoopHasEnded_IsRefused()
    {
        await Loop.StopAsync().WaitAsync(TestTimeout);
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(new("/bin/true")));
        Assert.Contains($"loop '{Loop.Name}' is {Loop.State}", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(new("/bin/true")));
    }

    [Fact]
    public async Task Streams_NotPipes_SayHowToHaveThem()
    {
        await using ISubprocess child = await StartAsync(new("/bin/true"));
        Assert.Contains("SubprocessStartInfo.Input to Stdio.Pipe", Assert.Throws<InvalidOperationException>(() => child.Input).Message, StringComparison.Ordinal);
        Assert.Contains("standard output", Assert.Throws<InvalidOperationException>(() => child.Output).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("standard error", Assert.Throws<InvalidOperationException>(() => child.Error).Message, StringComparison.OrdinalIgnoreCase);
        await ExitOf(child);
    }

    [Fact]
    public async Task ToString_InEachState_SaysIt()
    {
        ISubprocess child = await StartAsync(Sleep());
        Assert.Equal($"'/bin/sleep' (pid {child.Id}, running)", child.ToString());
        child.Signal(UnixSignal.Kill);
        await ExitOf(child);
        Assert.Equal($"'/bin/sleep' (pid {child.Id}, killed by SIGKILL)", child.ToString());
        await DisposeAsync(child);
        Assert.Equal($"'/bin/sleep' (pid {child.Id}, killed by SIGKILL)", child.ToString());
    }

    [Fact]
    public async Task Start_Argv0_IsWhatTheProgramSees()
    {
        await using ISubprocess child = await StartAsync(new("/bin/sh", "-c", "echo $0") { Argv0 = "other", Output = Stdio.Pipe });
        Assert.Equal("other\n", await ReadToEndAsync(child.Output));
        await ExitOf(child);
    }
}
