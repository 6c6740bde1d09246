using System.Diagnostics;

namespace UnixLoop.Peer;

/// <summary>The shapes in which operations are repeated, each with its warm-up; they print the protocol's line.</summary>
internal static class Rounds
{
    private const int SequentialCount = 1000;
    private const int ConcurrentCount = 2000;

    /// <summary>One operation at a time.</summary>
    internal static async Task OneByOneAsync(Func<Task> operation)
    {
        (Latencies latencies, Stopwatches.Reading read) = await WarmUp.ThenMeasureAsync(counts => Round(counts ? SequentialCount : SequentialCount / 10));
        Console.WriteLine($"{Rate(SequentialCount, read)} p50_us={latencies.Percentile(.5):F1} p99_us={latencies.Percentile(.99):F1} {Cpu(SequentialCount, read)}");

        async Task<(Latencies, Stopwatches.Reading)> Round(int count)
        {
            Latencies latencies = new(count);
            Stopwatches watches = Stopwatches.Start();
            for (int i = 0; i < count; i++)
            {
                long start = Stopwatch.GetTimestamp();
                await operation();
                latencies.Add(start);
            }
            return (latencies, watches.Read());
        }
    }

    /// <summary>At most <paramref name="limit"/> operations at a time.</summary>
    internal static async Task InFlightAsync(int limit, Func<Task> operation)
    {
        Stopwatches.Reading read = await WarmUp.ThenMeasureAsync(_ => Round());
        Console.WriteLine($"{Rate(ConcurrentCount, read)} {Cpu(ConcurrentCount, read)} threads={OwnStatus.Read().Threads}");

        async Task<Stopwatches.Reading> Round()
        {
            int left = ConcurrentCount;
            Stopwatches watches = Stopwatches.Start();
            await Task.WhenAll(Enumerable.Range(0, limit).Select(_ => Worker()));
            return watches.Read();

            async Task Worker()
            {
                while (Interlocked.Decrement(ref left) >= 0)
                    await operation();
            }
        }
    }

    /// <summary>One large transfer, after others like it.</summary>
    internal static async Task TransferAsync(Func<Task<long>> operation)
    {
        (double gib, Stopwatches.Reading read) = await WarmUp.ThenMeasureAsync(_ => Round());
        Console.WriteLine($"gibps={gib / read.Seconds:F3} parent_cpu_s_gib={read.Own / gib:F3} total_cpu_s_gib={read.Total / gib:F3} gib={gib:F3}");

        async Task<(double, Stopwatches.Reading)> Round()
        {
            Stopwatches watches = Stopwatches.Start();
            double gib = await operation() / (double)(1 << 30);
            return (gib, watches.Read());
        }
    }

    private static string Rate(int count, Stopwatches.Reading read) => $"rate={count / read.Seconds:F0}";

    private static string Cpu(int count, Stopwatches.Reading read) =>
        $"parent_cpu_us={read.Own / count * 1e6:F1} total_cpu_us={read.Total / count * 1e6:F1}";
}
