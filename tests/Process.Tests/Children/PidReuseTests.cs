using System.Runtime.Versioning;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Process.Tests.Children;

/// <summary>In a pid namespace of its own, where the next pid can be chosen (/proc/sys/kernel/ns_last_pid).</summary>
[SupportedOSPlatform("linux")]
public sealed class PidReuseTests
{
    [Fact]
    public async Task Add_PidOfAChildThatSomebodyElseReaped_EachHandlerGetsItsOwnChild()
    {
        InitProcessTests.RequiresPidNamespace();
        Requires.Kernel(6, 15);
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReuseAPidAsync, via: ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        await scenario.EndWellAsync();
    }

    internal static async Task ReuseAPidAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        RecordingHandler first = new(), second = new();
        SpawnedChild old = TestChildren.StartDead(41);
        SpawnedChild? young = null;
        // While the loop is held it can't notice that the first has gone.
        await watching.Loop.InvokeAsync(() =>
        {
            watching.Watcher.Add(old.Pid, old.Pidfd, first);
            Assert.True(TestChildren.TryReap(old.Pid));
            // Threads take pids as well: the runtime may get in between.
            for (int attempt = 0; attempt < 100 && young is null; attempt++)
            {
                File.WriteAllText("/proc/sys/kernel/ns_last_pid", $"{old.Pid - 1}");
                SpawnedChild child = TestChildren.StartSleeping();
                if (child.Pid == old.Pid)
                    young = child;
                else
                    TestChildren.Kill(child.Pid);
            }
            Assert.NotNull(young);
            watching.Watcher.Add(young.Pid, young.Pidfd, second);
        }).WaitAsync(TestTimeout);

        Assert.Equal(41, (await first.Exited).ExitCode);
        Assert.False(second.IsTold);
        TestChildren.Kill(young!.Pid);
        Assert.Equal(-9, (await second.Exited).ReturnCode);
        Assert.Equal((1, 1), (first.ExitedCalls, second.ExitedCalls));
        old.Pidfd!.Dispose();
        young.Pidfd!.Dispose();
    }
}
