using System.Diagnostics;
using UnixLoop.Peer.Interop;

namespace UnixLoop.Peer;

/// <summary>W5: many living children, of which some are killed one at a time: from the kill to the continuation.</summary>
internal static class ExitWorkload
{
    private const int Living = 2000;
    private const int Killed = 1000;
    private const int LivingInWarmUp = 50;

    internal static async Task RunAsync(ISubprocessFactory factory, IUnixEventLoop loop, string program)
    {
        await WarmUp.RunAsync(async () => await KillAsync(await StartAsync(factory, program, LivingInWarmUp), LivingInWarmUp));
        long start = Stopwatch.GetTimestamp();
        Child[] children = await StartAsync(factory, program, Living);
        double spawning = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await Task.Delay(TimeSpan.FromMilliseconds(500), loop.TimeProvider); // the last children reach their pause
        OwnStatus status = OwnStatus.Read();
        (Latencies latencies, double cpu) = await KillAsync(children, Killed);
        Console.WriteLine($"p50_us={latencies.Percentile(.5):F1} p99_us={latencies.Percentile(.99):F1} parent_cpu_us={cpu / Killed * 1e6:F2} threads={status.Threads} rss_mb={status.ResidentMiB:F1} spawn_s={spawning:F2}");

        foreach (Child child in children)
            child.Process.Signal(UnixSignal.Kill);
        await Task.WhenAll(children.Select(child => child.Exit));
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

    private readonly record struct Child(ISubprocess Process, Task<ChildExitStatus> Exit);
}
