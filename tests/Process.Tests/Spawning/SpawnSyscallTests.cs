using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>What a start costs the thread that calls, by strace(1): attributes that nobody asked for must not show.</summary>
public sealed class SpawnSyscallTests : IDisposable
{
    private const int WarmUps = 10;
    private const int Starts = 200;
    private readonly string _trace = Path.GetTempFileName();

    public void Dispose() => File.Delete(_trace);

    [Theory]
    [InlineData("plain")] // by posix_spawn(3)
    [InlineData("empty attributes")]
    public async Task Start_Plain_MakesNoFurtherCall(string kind)
    {
        Dictionary<string, double> calls = await CountAsync(kind);
        // posix_spawn(3) maps a stack, addclosefrom_np asks for RLIMIT_NOFILE; the pidfd is opened after, and proven to be our child's.
        Assert.Equal(["mmap 1", "munmap 1", "pidfd_open 1", "prlimit64 1", "rt_sigprocmask 2", "spawn 1", "waitid 1"], Rounded(calls));
    }

    [Fact]
    public async Task Start_ByTheHelper_MapsNothingAndOpensNoPidfd()
    {
        Requires.That(SpawnHelper.Missing is null, "the native helper");
        string[] expected = ["rt_sigaction 1", "rt_sigprocmask 2", "spawn 1"];
        Assert.Equal(expected, Rounded(await CountAsync("helper")));
        Assert.Equal(expected, Rounded(await CountAsync("default group")));
        Assert.Equal(expected, Rounded(await CountAsync("umask")));
    }

    [Theory]
    [InlineData("helper", "~[CHLD]")] // which would wake another thread to be dropped
    [InlineData("handler", "~[]")]
    public async Task Rule12_SpawningThread_BlocksSigChildOnlyForAHandler(string kind, string blocked)
    {
        Requires.That(SpawnHelper.Missing is null, "the native helper");
        string[] calls = await TraceAsync(kind);
        string[] masks = [.. calls.Where(call => call.StartsWith("rt_sigprocmask(SIG_BLOCK, ", StringComparison.Ordinal)).Select(call => call.Split(", ")[1]).Distinct()];
        Assert.Equal([blocked], masks);
    }

    /// <summary>Starts children on the main thread, the only one that is traced, between two calls of kill(2) with signal 0.</summary>
    internal static Task StartAsync(string[] args)
    {
        SpawnFeatures features = args[0] is "plain" or "empty attributes" ? Spawned.ThisLibc : SpawnFeatures.OfThisLibc;
        SubprocessStartInfo info = new("/bin/true")
        {
            // Or posix_spawn(3) would be preceded by the question whether there is a terminal.
            ProcessGroup = args[0] == "default group" ? ProcessGroup.Default : ProcessGroup.New,
            Attributes = args[0] switch
            {
                "empty attributes" => new SubprocessAttributes(),
                "umask" => new SubprocessAttributes { Umask = UnixFileMode.None },
                _ => null,
            },
        };
        using PosixSignalRegistration? handler = args[0] == "handler" ? PosixSignalRegistration.Create((PosixSignal)SIGCHLD, static _ => { }) : null;
        SpawnedChild[] children = new SpawnedChild[WarmUps + Starts];
        for (int i = 0; i < children.Length; i++)
        {
            if (i == WarmUps)
                TestLibc.Kill(Environment.ProcessId, 0);
            children[i] = Spawner.Start(info, Stdio.Inherit, Stdio.Inherit, Stdio.Inherit, logger: null, features);
        }
        TestLibc.Kill(Environment.ProcessId, 0);
        Thread reaper = new(() => Array.ForEach(children, child => Assert.Equal(0, Spawned.Reap(child))));
        reaper.Start();
        reaper.Join();
        return Task.CompletedTask;
    }

    /// <summary>Calls for each start.</summary>
    private async Task<Dictionary<string, double>> CountAsync(string kind) => (await TraceAsync(kind))
        .Select(call => call.Split('(')[0])
        .GroupBy(call => call is "clone3" or "clone" or "vfork" ? "spawn" : call)
        .ToDictionary(group => group.Key, group => group.Count() / (double)Starts);

    /// <summary>The calls of all starts, without what the runtime does of its own.</summary>
    private async Task<string[]> TraceAsync(string kind)
    {
        string strace = Requires.Tool("strace");
        await using (ScenarioProcess process = ScenarioProcess.Start(StartAsync, [kind], via: [strace, "-e", "signal=none", "-o", _trace]))
            await process.EndWellAsync();
        string[] calls = File.ReadAllLines(_trace);
        int begin = Array.FindIndex(calls, IsMark), end = Array.FindLastIndex(calls, IsMark);
        Assert.True(end - begin > Starts, "both marks are in the trace");
        // mprotect(2) and futex(2) are the compiler's; and a traced thread is told of each SIGCHLD, for which clone3(2) begins again.
        return [.. calls[(begin + 1)..end].Where(call =>
            !call.StartsWith("mprotect(", StringComparison.Ordinal) && !call.StartsWith("futex(", StringComparison.Ordinal) && !call.Contains("ERESTARTNOINTR", StringComparison.Ordinal))];

        static bool IsMark(string call) => call.StartsWith("kill(", StringComparison.Ordinal);
    }

    private static string[] Rounded(Dictionary<string, double> calls) =>
        [.. calls.Select(pair => (pair.Key, Count: Math.Round(pair.Value))).Where(pair => pair.Count > 0).Select(pair => $"{pair.Key} {pair.Count}").Order(StringComparer.Ordinal)];
}
