using System.Diagnostics;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

public sealed class FastChildWatcherTests : ChildWatcherConformanceTests
{
    protected override IChildWatcher CreateWatcher() => new FastChildWatcher();

    [Fact]
    public async Task Rule14_ForeignZombieStandsFirst_OwnExitsAreToldAllTheSame()
    {
        TimeSpan usual = await MedianDelayAsync();
        Assert.InRange(usual, TimeSpan.Zero, TimeSpan.FromMilliseconds(500)); // by a signal: without one it would be a second
        // A thread's own children come first in its waits: the loop's thread makes the stranger.
        SpawnedChild stranger = await Loop.InvokeAsync(() => Start(TestChildren.StartDead(9))).WaitAsync(TestTimeout);
        TimeSpan behindIt = await MedianDelayAsync();
        Assert.Equal(stranger.Pid, await Loop.InvokeAsync(FirstZombie).WaitAsync(TestTimeout));
        Assert.InRange(behindIt, TimeSpan.Zero, usual + TimeSpan.FromMilliseconds(50)); // the next look without a signal is later
        Assert.True(TestChildren.TryReap(stranger.Pid));

        // The median: a loaded machine has its moments.
        async Task<TimeSpan> MedianDelayAsync()
        {
            List<TimeSpan> delays = [];
            for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(4);)
            {
                var handler = new RecordingHandler();
                SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
                long killed = Stopwatch.GetTimestamp();
                TestChildren.Kill(child.Pid);
                Assert.Equal(-9, (await handler.Exited).ReturnCode);
                delays.Add(Stopwatch.GetElapsedTime(killed));
            }
            delays.Sort();
            return delays[delays.Count / 2];
        }
    }

    [Fact]
    public async Task Rule14_ForeignZombieStaysAndNobodyDies_TheLoopSleeps()
    {
        SpawnedChild stranger = await Loop.InvokeAsync(() => Start(TestChildren.StartDead(9))).WaitAsync(TestTimeout);
        var handler = new RecordingHandler();
        SpawnedChild child = Watch(TestChildren.StartSleeping(), handler);
        long turns = Loop.GetStatistics().Turns;
        Assert.False(Eventually.TryWait(() => handler.IsTold, TimeSpan.FromSeconds(1)));
        Assert.InRange(Loop.GetStatistics().Turns - turns, 0, 20); // 10 ms, 20 ms, … 640 ms
        TestChildren.Kill(child.Pid);
        await handler.Exited;
        Assert.True(TestChildren.TryReap(stranger.Pid));
    }

    [Fact]
    public async Task Exit_ReapedBehindItsBack_IsToldAfterASecond()
    {
        RecordingHandler handler = new();
        await Loop.InvokeAsync(() =>
        {
            SpawnedChild child = Start(TestChildren.StartSleeping());
            Watcher.Add(child.Pid, null, handler);
            TestChildren.KillAndWaitUntilDead(child.Pid);
            Assert.True(TestChildren.TryReap(child.Pid));
        }).WaitAsync(TestTimeout);
        Assert.Equal(255, (await handler.Exited).ReturnCode);
    }

    private static unsafe int FirstZombie()
    {
        Libc.siginfo_t info = default;
        Libc.WaitId(Libc.P_ALL, 0, &info, Libc.WEXITED | Libc.WNOHANG | Libc.WNOWAIT, usage: null);
        return info.si_pid;
    }
}
