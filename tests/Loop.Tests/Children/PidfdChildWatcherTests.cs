using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Children;

public sealed class PidfdChildWatcherTests : ChildWatcherConformanceTests
{
    protected override IChildWatcher CreateWatcher() => new PidfdChildWatcher();

    [Fact]
    public void IsSupported_Here_GivesNoReason()
    {
        Requires.Kernel(5, 4);
        Assert.True(PidfdChildWatcher.IsSupported(out string? reason), reason);
        Assert.Null(reason);
    }

    [Fact]
    public async Task Exit_ReapedBehindItsBack_StatusComesFromTheKernel()
    {
        Requires.Kernel(6, 15);
        ChildExitStatus status = await ReapBehindItsBackAsync();
        Assert.Equal(43, status.ExitCode);
        Assert.Equal(43 << 8, status.RawStatus);
        Assert.Null(status.ResourceUsage);
    }

    [Fact]
    public async Task Exit_ReapedBehindItsBackOnAnOlderKernel_IsTheNamedOutcome()
    {
        PidfdExitInfo.IsDisabled = true;
        try
        {
            ChildExitStatus status = await ReapBehindItsBackAsync();
            Assert.Equal(ChildExitKind.ReapedElsewhere, status.Kind);
            Assert.Equal((255, 255, "reaped elsewhere"), (status.ReturnCode, status.ShellExitCode, status.ToString()));
            Assert.Null(status.RawStatus);
            Assert.True(HasLogged("ChildReapedElsewhere"));
        }
        finally
        {
            PidfdExitInfo.IsDisabled = false;
        }
    }

    /// <summary>While the loop is held, so that it comes too late.</summary>
    private async Task<ChildExitStatus> ReapBehindItsBackAsync()
    {
        RecordingHandler handler = new();
        await Loop.InvokeAsync(() =>
        {
            SpawnedChild child = Watch(TestChildren.StartDead(43), handler);
            Assert.True(TestChildren.TryReap(child.Pid));
        }).WaitAsync(TestTimeout);
        ChildExitStatus status = await handler.Exited;
        Assert.Equal(0, handler.ExitingCalls); // the pid was nobody's any more
        return status;
    }

    [Fact]
    public async Task Add_PidfdWatchedBySomebodyElseToo_AThreadWaitsInstead()
    {
        SpawnedChild child = Start(TestChildren.StartSleeping());
        using IDisposable other = Loop.WatchReadable(child.Pidfd!, static () => { });
        RecordingHandler handler = new();
        Watcher.Add(child.Pid, child.Pidfd, handler);
        Assert.True(HasLogged("ChildWatchedByThread"));
        other.Dispose();
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.Equal(Loop.Name, handler.ToldOn);
    }

    [Fact]
    public async Task Add_HandleThatIsNoPidfd_AThreadWaitsInstead()
    {
        SpawnedChild child = Start(TestChildren.StartSleeping());
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle("/proc/self/status");
        RecordingHandler handler = new();
        Watcher.Add(child.Pid, file, handler);
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
    }

    [Fact]
    public async Task Add_ManyChildren_NoThreadIsMade()
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 50).Select(static _ => new RecordingHandler())];
        SpawnedChild[] children = [.. handlers.Select(handler => Watch(TestChildren.StartSleeping(), handler))];
        Assert.DoesNotContain(TestThreads.Names(), static name => name.StartsWith("waitpid-", StringComparison.Ordinal));
        Array.ForEach(children, static child => TestChildren.Kill(child.Pid));
        foreach (RecordingHandler handler in handlers)
            await handler.Exited;
    }

    [Fact]
    public async Task Rule03_ReapedChildsPidfdIsStillHeld_NobodyHearsOfItAndItsNumberIsFree()
    {
        SpawnedChild child = TestChildren.StartSleeping();
        int number = child.Pidfd!.Descriptor;
        // As a child between its birth and its exec has it: a copy of the description, which keeps it in epoll.
        using UnixHandle copy = new(PosixError.ThrowIfError(Libc.Fcntl(number, F_DUPFD_CLOEXEC), "fcntl"));
        (UnixHandle read, UnixHandle write) = NewPipe();
        UnixHandle? reused = null;
        IDisposable? watch = null;
        int told = 0;
        ClosingHandler handler = new(child.Pidfd, () =>
        {
            // Before the loop's next wait, which reports the reap once more, to the copy's registration.
            reused = new UnixHandle(PosixError.ThrowIfError(Libc.Fcntl(read.Descriptor, F_DUPFD_CLOEXEC, number), "fcntl"));
            watch = Loop.WatchReadable(reused, () => told++);
        });
        Watcher.Add(child.Pid, child.Pidfd, handler);
        Assert.Contains(number, EpollEntry.Targets());
        TestChildren.Kill(child.Pid);
        await handler.Exited.WaitAsync(TestTimeout);
        Assert.Equal(number, reused!.Descriptor);
        Assert.InRange(await CountIdleTurnsAsync(), 0, 3);
        Assert.Equal((0, 1), (told, Loop.GetStatistics().WatchedDescriptors));
        Assert.Equal(2, EpollEntry.Targets().Count(target => target == number));
        copy.Dispose();
        Assert.Single(EpollEntry.Targets(), number);
        watch!.Dispose();
        reused.Dispose();
        read.Dispose();
        write.Dispose();
    }

    [Fact]
    public async Task Rule03_ReapedChildsPidfdIsTheCallers_IsTakenOutOfEpoll()
    {
        RecordingHandler handler = new();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        Assert.Contains(child.Pidfd!.Descriptor, EpollEntry.Targets());
        TestChildren.Kill(child.Pid);
        await handler.Exited;
        Assert.DoesNotContain(child.Pidfd.Descriptor, EpollEntry.Targets());
    }

    [Fact]
    public async Task Exit_Notice_AllocatesNothing()
    {
        await AllocatedOnTheLoopAsync(); // warms up
        Assert.Equal(0, await AllocatedOnTheLoopAsync());
    }

    /// <summary>What the loop's thread allocates between the first and the last of several notices.</summary>
    private async Task<long> AllocatedOnTheLoopAsync()
    {
        const int Children = 50;
        long first = 0, last = 0;
        int told = 0;
        RecordingHandler[] handlers = [.. Enumerable.Range(0, Children).Select(_ => new RecordingHandler
        {
            WhenExited = _ =>
            {
                long now = GC.GetAllocatedBytesForCurrentThread();
                if (told++ == 0)
                    first = now;
                last = now;
            },
        })];
        // Nobody awaits them meanwhile: a completed task with a continuation would allocate.
        SpawnedChild[] children = [.. handlers.Select(handler => Watch(TestChildren.StartSleeping(), handler))];
        await Loop.InvokeAsync(() => Array.ForEach(children, static child => TestChildren.KillAndWaitUntilDead(child.Pid))).WaitAsync(TestTimeout);
        Eventually.True(() => handlers.All(static handler => handler.IsTold), "all are told");
        return last - first;
    }

    /// <summary>As a subprocess: it is reaped under the guard, and its pidfd closed when it is told.</summary>
    private sealed class ClosingHandler(UnixHandle pidfd, Action whenClosed) : IChildExitHandler, IReapGuard
    {
        private readonly TaskCompletionSource _exited = NewSignal();

        internal Task Exited => _exited.Task;

        public bool TryBeginReap() => true;

        public void EndReap(bool isDead)
        {
        }

        public void OnExiting(int pid)
        {
        }

        public void OnExited(int pid, in ChildExitStatus status)
        {
            pidfd.Dispose();
            whenClosed();
            _exited.SetResult();
        }
    }
}
