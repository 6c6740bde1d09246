using System.Diagnostics;
using UnixLoop.Peer.Interop;

namespace UnixLoop.Peer;

/// <summary>W5: many living children, of which some are killed one at a time: from the kill to the continuation.</summary>
internal static class ExitWorkload
{
    private const int Living = 2000;
    private const int Killed = 1000;
    private const int LivingInWarmUp = 50;
    private static readonly TimeSpan UntilAllPause = TimeSpan.FromMilliseconds(500); // the last children reach their pause

    internal static async Task RunAsync(ISubprocessFactory factory, IUnixEventLoop loop, string program)
    {
        Round round = await WarmUp.ThenMeasureAsync(counts =>
            counts ? RoundAsync(Living, Killed, UntilAllPause) : RoundAsync(LivingInWarmUp, LivingInWarmUp, TimeSpan.FromMilliseconds(1)));
        Console.WriteLine($"p50_us={round.Latencies.Percentile(.5):F1} p99_us={round.Latencies.Percentile(.99):F1} parent_cpu_us={round.Cpu / Killed * 1e6:F2} threads={round.Status.Threads} rss_mb={round.Status.ResidentMiB:F1} spawn_s={round.Spawning.TotalSeconds:F2}");

        async Task<Round> RoundAsync(int living, int killed, TimeSpan pause)
        {
            long start = Stopwatch.GetTimestamp();
            Child[] children = await StartAsync(factory, program, living);
            TimeSpan spawning = Stopwatch.GetElapsedTime(start);
            await Task.Delay(pause, loop.TimeProvider);
            OwnStatus status = OwnStatus.Read();
            (Latencies latencies, double cpu) = await KillAsync(children, killed);
            foreach (Child child in children)
                child.Process.Signal(UnixSignal.Kill);
            await Task.WhenAll(children.Select(child => child.Exit));
            return new(spawning, status, latencies, cpu);
        }
    }

    private static async Task<Child[]> StartAsync(ISubprocessFactory factory, string program, int count)
    {
        var children = new Child[count];
        for (int i = 0; i < count; i++)
        {
            ISubprocess process = await factory.StartAsync(new(program));
            children[i] = new(process, process.WaitForExitAsync());
        }
        return children;
    }

    private static async Task<(Latencies Latencies, double Cpu)> KillAsync(Child[] children, int count)
    {
        Latencies latencies = new(count);
        double before = Libc.OwnCpu();
        for (int i = 0; i < count; i++)
        {
            long kill = Stopwatch.GetTimestamp();
            children[i].Process.Signal(UnixSignal.Kill);
            await children[i].Exit;
            latencies.Add(kill);
        }
        return (latencies, Libc.OwnCpu() - before);
    }

    private readonly record struct Round(TimeSpan Spawning, OwnStatus Status, Latencies Latencies, double Cpu);

    private readonly record struct Child(ISubprocess Process, Task<ChildExitStatus> Exit);
}
