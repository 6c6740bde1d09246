namespace UnixLoop.Loop.Tests.Subprocesses;

public class ChildSignalTests : SubprocessTest
{
    [Fact]
    public async Task Signal_RunningChild_IsDeliveredToItAlone()
    {
        await using ISubprocess child = await StartAsync(PipedShell("trap 'echo usr1' USR1; echo ready; while :; do sleep 0.01; done"));
        await ExpectAsync(child.Output, "ready");
        Assert.True(child.Signal(new UnixSignal(10)));
        await ExpectAsync(child.Output, "usr1");
        Assert.True(child.Signal(UnixSignal.Kill));
        Assert.Equal(-9, (await ExitOf(child)).ReturnCode);
    }

    [Fact]
    public async Task Signal_AfterTheExit_IsFalse()
    {
        await using ISubprocess child = await StartAsync(new("/bin/true"));
        await ExitOf(child);
        Assert.False(child.Signal(UnixSignal.Kill));
        Assert.False(child.Signal(UnixSignal.Kill));
        await DisposeAsync(child);
        Assert.False(child.Signal(UnixSignal.Term));
    }

    [Fact]
    public async Task Signal_NoSuchNumber_IsRefused()
    {
        await using ISubprocess child = await StartAsync(Sleep());
        Assert.Throws<ArgumentOutOfRangeException>(() => child.Signal(new UnixSignal(65)));
        Assert.Throws<ArgumentException>("signal", () => child.Signal(default));
    }

    [Fact]
    public async Task Signal_NearTheExitAThousandTimes_NeverLosesTheStatus()
    {
        for (int i = 0; i < 1000; i++)
        {
            await using ISubprocess child = await StartAsync(new("/bin/true"));
            bool sent = child.Signal(UnixSignal.Term);
            ChildExitStatus exit = await ExitOf(child);
            Assert.True(exit.IsSuccess || (sent && exit.ReturnCode == -15), exit.ToString());
        }
    }

    [Fact]
    public async Task Signal_FromManyThreadsWhileItDies_IsTrueOrFalse()
    {
        for (int i = 0; i < 50; i++)
        {
            await using ISubprocess child = await StartAsync(new("/bin/true"));
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                while (child.Signal(new UnixSignal(18)))
                {
                    // CONT does nothing to a child that runs.
                }
            }))).WaitAsync(TestTimeout);
            Assert.True((await ExitOf(child)).IsSuccess);
        }
    }
}

/// <summary>The same where there is no pidfd: by kill(2), under the lock that the reap waits for.</summary>
public sealed class ChildSignalWithoutPidfdTests : ChildSignalTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}
