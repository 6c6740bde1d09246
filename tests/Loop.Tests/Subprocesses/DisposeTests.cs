using System.IO.Pipelines;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

public class DisposeTests : SubprocessTest
{
    [Fact]
    public async Task Dispose_RunningChild_KillsAndReapsIt()
    {
        ISubprocess child = await StartAsync(Sleep());
        await DisposeAsync(child);
        Assert.Equal(-9, child.ExitStatus!.Value.ReturnCode);
        Assert.Null(StateOf(child.Id));
    }

    [Fact]
    public async Task Dispose_FinishedChild_ChangesNothing()
    {
        ISubprocess child = await StartAsync(Shell("exit 4"));
        ChildExitStatus exit = await ExitOf(child);
        await DisposeAsync(child);
        Assert.Equal(exit, child.ExitStatus);
    }

    [Fact]
    public async Task Dispose_ManyTimesAtOnce_IsOnce()
    {
        ISubprocess child = await StartAsync(PipedShell("sleep 1000"));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => DisposeAsync(child))));
        await DisposeAsync(child);
        Assert.Equal(-9, child.ExitStatus!.Value.ReturnCode);
    }

    [Fact]
    public async Task Dispose_WhileItExits_LeavesNothing()
    {
        for (int i = 0; i < 100; i++)
        {
            ISubprocess child = await StartAsync(new SubprocessStartInfo("/bin/true") { Input = Stdio.Pipe, Output = Stdio.Pipe, Error = Stdio.Pipe });
            Task<ChildExitStatus> exited = ExitOf(child);
            await DisposeAsync(child);
            Assert.Equal(await exited, child.ExitStatus);
        }
    }

    [Fact]
    public async Task Dispose_GrandchildHoldsThePipes_ClosesOurEnds()
    {
        // A session of its own: out of the group's reach, as a daemon is.
        ISubprocess child = await StartAsync(PipedShell("setsid sh -c 'echo $$; exec sleep 1000' & wait"));
        int grandchild = await ReadPidAsync(child);
        Task<ReadResult> pending = child.Output.ReadAsync().AsTask();
        await DisposeAsync(child);
        ObjectDisposedException error = await Assert.ThrowsAsync<ObjectDisposedException>(() => pending.WaitAsync(TestTimeout));
        Assert.Contains("was disposed before its output had ended", error.Message, StringComparison.Ordinal);
        TestLibc.Kill(grandchild, 9);
    }

    [Fact]
    public async Task Dispose_WriterBlocked_ItsFlushFails()
    {
        ISubprocess child = await StartAsync(new SubprocessStartInfo("/bin/sleep", "1000") { Input = Stdio.Pipe });
        Task<FlushResult> blocked = child.Input.WriteAsync(new byte[1_000_000]).AsTask();
        await DisposeAsync(child);
        await Assert.ThrowsAnyAsync<Exception>(() => blocked.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task LoopEnds_ChildLives_ItIsStillWatchedAndReaped()
    {
        ISubprocess child = await StartAsync(PipedShell("exec sleep 1000"));
        Task<ReadResult> reading = child.Output.ReadAsync().AsTask();
        Task<ChildExitStatus> exited = ExitOf(child);
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(TestTimeout));
        Assert.True(child.Signal(UnixSignal.Kill));
        Assert.Equal(-9, (await exited).ReturnCode);
        await DisposeAsync(child);
    }

    [Fact]
    public async Task LoopEnded_Dispose_KillsAndReaps()
    {
        ISubprocess child = await StartAsync(PipedShell("sleep 1000"));
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await DisposeAsync(child);
        Assert.Equal(-9, child.ExitStatus!.Value.ReturnCode);
    }
}
