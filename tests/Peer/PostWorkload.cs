using System.Diagnostics;
using UnixLoop.Peer.Interop;

namespace UnixLoop.Peer;

/// <summary>W7: posts from another thread, first as fast as it can, then one at a time to a loop that sleeps.</summary>
internal static class PostWorkload
{
    private const int Posts = 1_000_000;
    private const int WakeWarmup = 1000;
    private const int Wakes = 2000;
    private const uint IdleMicroseconds = 500;

    internal static async Task RunAsync(IUnixEventLoop loop)
    {
        (double seconds, double cpu) = await WarmUp.ThenMeasureAsync(_ => FloodAsync(loop));
        Latencies wakes = await WakeAsync(loop);
        Console.WriteLine($"rate={Posts / seconds:F0} cpu_us={cpu / Posts * 1e6:F3} p50_us={wakes.Percentile(.5):F1} p99_us={wakes.Percentile(.99):F1}");
    }

    private static async Task<(double Seconds, double Cpu)> FloodAsync(IUnixEventLoop loop)
    {
        TaskCompletionSource<double> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int run = 0;
        Stopwatches watches = Stopwatches.Start();
        Action callback = () =>
        {
            if (++run == Posts)
                done.SetResult(watches.Read().Seconds);
        };
        Thread poster = new(() =>
        {
            for (int i = 0; i < Posts; i++)
                loop.Post(callback);
        });
        poster.Start();
        double seconds = await done.Task;
        poster.Join(); // before the CPU is read: a thread that runs is accounted for late
        return (seconds, watches.Read().Own);
    }

    private static async Task<Latencies> WakeAsync(IUnixEventLoop loop)
    {
        Latencies latencies = new(Wakes);
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int run = 0;
        long posted = 0;
        Action callback = () =>
        {
            if (++run > WakeWarmup)
                latencies.Add(Volatile.Read(ref posted));
            if (run == WakeWarmup + Wakes)
                done.SetResult();
        };
        Thread poster = new(() =>
        {
            for (int i = 0; i < WakeWarmup + Wakes; i++)
            {
                Libc.Pause(IdleMicroseconds);
                Volatile.Write(ref posted, Stopwatch.GetTimestamp());
                loop.Post(callback);
            }
        });
        poster.Start();
        await done.Task;
        poster.Join();
        return latencies;
    }
}
