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
        // Threads take pids as well. One of the runtime's that lives on keeps the pid that it got: then with another one.
        bool isReused = false;
        for (int round = 0; round < 20 && !isReused; round++)
            isReused = await TryReuseAPidAsync(watching);
        Assert.True(isReused, "no pid could be had again");
    }

    private static async Task<bool> TryReuseAPidAsync(WatchingLoop watching)
    {
        RecordingHandler first = new(), second = new();
        SpawnedChild old = TestChildren.StartDead(41);
        SpawnedChild? young = null;
        // While the loop is held it can't notice that the first has gone.
        await watching.Loop.InvokeAsync(() =>
        {
            watching.Watcher.Add(old.Pid, old.Pidfd, first);
            Assert.True(TestChildren.TryReap(old.Pid));
            for (int attempt = 0; attempt < 10 && young is null; attempt++)
            {
                File.WriteAllText("/proc/sys/kernel/ns_last_pid", $"{old.Pid - 1}");
                SpawnedChild child = TestChildren.StartSleeping();
                if (child.Pid == old.Pid)
                {
                    young = child;
                    continue;
                }
                TestChildren.Kill(child.Pid);
                Assert.True(TestChildren.TryReap(child.Pid));
                child.Pidfd!.Dispose();
            }
            if (young is not null)
                watching.Watcher.Add(young.Pid, young.Pidfd, second);
        }).WaitAsync(TestTimeout);

        Assert.Equal(41, (await first.Exited).ExitCode);
        Assert.Equal(1, first.ExitedCalls);
        old.Pidfd!.Dispose();
        if (young is null)
            return false;
        Assert.False(second.IsTold);
        TestChildren.Kill(young.Pid);
        Assert.Equal(-9, (await second.Exited).ReturnCode);
        Assert.Equal((1, 1), (first.ExitedCalls, second.ExitedCalls));
        young.Pidfd!.Dispose();
        return true;
    }
}
