using System.Diagnostics;
using System.Runtime;

namespace UnixLoop.Peer;

/// <summary>
/// Repeats what is to be measured until nothing of it is compiled any more: code that was compiled ahead of time is compiled again
/// while it runs, by what was seen to run. Then measures.
/// </summary>
internal static class WarmUp
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(15); // where something else keeps the compiler busy
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500); // the runtime waits for 100 ms of quiet before it compiles again

    /// <param name="round">The code that measures; given whether it is the round that counts. Awaited at one place, since each kind of await is compiled too.</param>
    /// <returns>What the round that counts returned.</returns>
    internal static async Task<T> ThenMeasureAsync<T>(Func<bool, Task<T>> round)
    {
        long start = Stopwatch.GetTimestamp(), lastCompiled = start;
        long compiled = JitInfo.GetCompiledMethodCount();
        for (bool counts = false; ;)
        {
            T figures = await round(counts);
            long compiledBefore = compiled;
            compiled = JitInfo.GetCompiledMethodCount();
            if (counts)
            {
                if (compiled != compiledBefore)
                    Console.Error.WriteLine($"peer: {compiled - compiledBefore} methods were compiled in the round that counts.");
                return figures;
            }
            if (compiled != compiledBefore)
                lastCompiled = Stopwatch.GetTimestamp();
            counts = Stopwatch.GetElapsedTime(start) is var elapsed && elapsed >= Least && (Stopwatch.GetElapsedTime(lastCompiled) >= Quiet || elapsed >= Most);
        }
    }
}
