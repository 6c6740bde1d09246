using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Init;

/// <summary>What the program does below <see cref="UnixInit"/>.</summary>
[SupportedOSPlatform("linux")]
internal static class InitScenarios
{
    internal static async Task WatchThousandAsync(string[] args)
    {
        AssertBelowInit();
        PidfdExitInfo.IsDisabled = true;
        await using WatchingLoop watching = await WatchingLoop.StartAsync(args[0]);
        Assert.False(watching.HasLogged("InitWithoutExitInfo"));
        // Process has its SIGCHLD handler in: PID 1 would lose most of them.
        using var process = System.Diagnostics.Process.Start("sleep", "1000");
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, static _ => { });
        List<WatchedExit> exits = [];
        for (int i = 0; i < 1_000; i++)
            exits.Add(watching.StartExiting(i % 250));
        ChildExitStatus[] statuses = await watching.WaitForAsync(exits);
        Assert.Equal(1_000, exits.Zip(statuses).Count(static pair => pair.First.IsRight(pair.Second)));
        process.Kill();
        await process.WaitForExitAsync().WaitAsync(TestTimeout);
    }

    /// <summary>In bursts, each beside a watched child and one of the Process class, which end meanwhile: neither end is lost.</summary>
    internal static async Task LeaveOrphansAsync(string[] args)
    {
        AssertBelowInit();
        await using WatchingLoop watching = await WatchingLoop.StartAsync("pidfd");
        for (int burst = 1; burst <= 10; burst++)
        {
            RecordingHandler handler = new();
            // Its children outlive it, and go to PID 1.
            SpawnedChild child = TestChildren.Start("sh", "-c", $"i=0; while [ $i -lt 5 ]; do i=$((i+1)); sleep 0.0{burst} & done; exit {burst}");
            using var foreign = System.Diagnostics.Process.Start("sh", ["-c", $"exit {burst + 100}"]);
            watching.Watcher.Add(child.Pid, child.Pidfd, handler);
            child.Pidfd?.Dispose();
            Assert.Equal(burst, (await handler.Exited).ExitCode);
            await foreign.WaitForExitAsync().WaitAsync(TestTimeout);
            Assert.Equal(burst + 100, foreign.ExitCode);
        }
        Eventually.True(static () => ChildrenOfInit() is [var only] && only == Environment.ProcessId, "PID 1 has one child left: us");
    }

    internal static async Task TellAdoptedExitsAsync(string[] args)
    {
        AssertBelowInit();
        Assert.DoesNotContain(Environment.GetEnvironmentVariables().Keys.Cast<string>(), static name => name.StartsWith("UNIXLOOP_INIT", StringComparison.Ordinal)); // not for children
        await using WatchingLoop watching = await WatchingLoop.StartAsync("pidfd");
        ConcurrentBag<AdoptedExit> told = [];
        using IDisposable? watch = UnixInit.WatchAdoptedExits(watching.Loop, told.Add);
        Assert.NotNull(watch);
        Assert.Null(UnixInit.WatchAdoptedExits(watching.Loop, told.Add));
        for (int code = 1; code <= 20; code++)
        {
            RecordingHandler handler = new();
            SpawnedChild child = TestChildren.Start("sh", "-c", $"(sleep 0.05; exit {code}) & exit 0");
            watching.Watcher.Add(child.Pid, child.Pidfd, handler);
            child.Pidfd?.Dispose();
            Assert.Equal(0, (await handler.Exited).ExitCode);
        }
        // Their sleeps, which their shells have waited for, are nobody's orphans.
        Eventually.True(() => told.Count == 20, "twenty orphans");
        Assert.Equal(Enumerable.Range(1, 20), told.Select(static exit => exit.Status.ExitCode!.Value).Order());
        Assert.Equal(20, told.Select(static exit => exit.ProcessId).Distinct().Count());
    }

    internal static async Task CountSignalsAsync(string[] args)
    {
        AssertBelowInit();
        ConcurrentDictionary<UnixSignal, int> counts = [];
        await using UnixEventLoop loop = new();
        await loop.StartAsync().WaitAsync(TestTimeout);
        UnixSignal realTime = UnixSignal.RealTime(3);
        UnixSignal[] signals = [UnixSignal.Term, UnixSignal.Int, UnixSignal.Hup, UnixSignal.Usr1, UnixSignal.Usr2, UnixSignal.Quit, realTime];
        foreach (UnixSignal signal in signals)
            loop.AddSignalHandler(signal, () => counts.AddOrUpdate(signal, 1, static (_, count) => count + 1));

        foreach (UnixSignal signal in signals)
            Assert.True(Libc.Kill(1, signal.Number).IsSuccess);
        Assert.True(Libc.Kill(1, realTime.Number).IsSuccess); // real-time signals queue
        Eventually.True(() => signals.All(counts.ContainsKey) && counts[realTime] == 2, "all have come");
        Assert.False(Eventually.TryWait(() => counts.Values.Sum() > signals.Length + 1, TimeSpan.FromMilliseconds(300)), "one came twice");
    }

    internal static Task RunUndumpableAsync(string[] args)
    {
        TestLibc.BecomeUndumpable();
        Assert.Throws<UnauthorizedAccessException>(static () => File.ReadAllBytes("/proc/self/environ"));
        Assert.Equal(7, UnixInit.Run("sh", ["-c", "[ \"$UNIXLOOP_TEST\" = 'a b=\u00fc' ] && exit 7"]));
        return Scenario.WaitForEndAsync();
    }

    internal static Task EndAsync(string[] args)
    {
        AssertBelowInit();
        int number = int.Parse(args[1]);
        if (args[0] == "exit")
            Environment.Exit(number);
        Libc.Kill(Environment.ProcessId, number);
        return Scenario.WaitForEndAsync();
    }

    internal static Task TellSurroundingsAsync(string[] args)
    {
        Scenario.Say($"arguments: {string.Join(' ', args.Select(static arg => $"'{arg}'"))}");
        Scenario.Say($"variable: {Environment.GetEnvironmentVariable("UNIXLOOP_TEST")}");
        Scenario.Say($"leads its group: {Libc.ProcessGroup() == Environment.ProcessId}, child of {Parent(Environment.ProcessId)}");
        Scenario.Say($"read: {Console.In.ReadLine()}");
        return Task.CompletedTask;
    }

    private static void AssertBelowInit()
    {
        Assert.NotEqual(1, Environment.ProcessId);
        Assert.Equal(1, Parent(Environment.ProcessId));
    }

    private static int[] ChildrenOfInit() => [.. Directory.EnumerateDirectories("/proc")
        .Select(static folder => int.TryParse(Path.GetFileName(folder), out int pid) ? pid : 0)
        .Where(static pid => pid != 0 && Parent(pid) == 1)];

    /// <summary>The fourth field (proc_pid_stat(5)); 0 for a process that has gone.</summary>
    private static int Parent(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
