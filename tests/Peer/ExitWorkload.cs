using System.Diagnostics;
using UnixLoop.Peer.Interop;

namespace UnixLoop.Peer;

/// <summary>W5: many living children, of which some are killed one at a time: from the kill to the continuation.</summary>
internal static class ExitWorkload
{
    private const int Living = 2000;
    private const int Killed = 1000;

    internal static async Task RunAsync(ISubprocessFactory factory, IUnixEventLoop loop, string program)
    {
        await WarmUp.RunAsync(Rounds.SequentialWarmup, () => KillOneAsync(factory, program));
        var children = new ISubprocess[Living];
        var exits = new Task<ChildExitStatus>[Living];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Living; i++)
        {
            children[i] = await factory.StartAsync(new(program));
            exits[i] = children[i].WaitForExitAsync();
        }
        double spawning = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await Task.Delay(TimeSpan.FromMilliseconds(500), loop.TimeProvider); // the last children reach their pause
        OwnStatus status = OwnStatus.Read();

        Latencies latencies = new(Killed);
        double before = Libc.OwnCpu();
        for (int i = 0; i < Killed; i++)
        {
            long kill = Stopwatch.GetTimestamp();
            children[i].Signal(UnixSignal.Kill);
            await exits[i];
            latencies.Add(kill);
        }
        double cpu = Libc.OwnCpu() - before;
        Console.WriteLine($"p50_us={latencies.Percentile(.5):F1} p99_us={latencies.Percentile(.99):F1} parent_cpu_us={cpu / Killed * 1e6:F2} threads={status.Threads} rss_mb={status.ResidentMiB:F1} spawn_s={spawning:F2}");

        foreach (ISubprocess child in children)
            child.Signal(UnixSignal.Kill);
        await Task.WhenAll(exits);
    }

    private static async Task KillOneAsync(ISubprocessFactory factory, string program)
    {
        await using ISubprocess child = await factory.StartAsync(new(program));
        child.Signal(UnixSignal.Kill);
        await child.WaitForExitAsync();
    }
}
