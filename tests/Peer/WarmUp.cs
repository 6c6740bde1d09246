using System.Diagnostics;
using System.Runtime;

namespace UnixLoop.Peer;

/// <summary>
/// Repeats what is to be measured until nothing of it is compiled any more: code that was compiled ahead of time is compiled again
/// while it runs, by what was seen to run.
/// </summary>
internal static class WarmUp
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(15); // where something else keeps the compiler busy
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(500); // the runtime waits for 100 ms of quiet before it compiles again

    /// <param name="round">The code that measures too, since that is compiled like the rest.</param>
    internal static async Task RunAsync(Func<Task> round)
    {
        long start = Stopwatch.GetTimestamp(), lastCompiled = start;
        long compiled = JitInfo.GetCompiledMethodCount();
        do
        {
            await round();
            if (JitInfo.GetCompiledMethodCount() is var now && now != compiled)
                (compiled, lastCompiled) = (now, Stopwatch.GetTimestamp());
        }
        while (IsTooShort() && Stopwatch.GetElapsedTime(start) < Most);
        if (IsTooShort())
            Console.Error.WriteLine($"peer: still compiling after {Most.TotalSeconds} s; what is measured holds some of it.");

        bool IsTooShort() => Stopwatch.GetElapsedTime(start) < Least || Stopwatch.GetElapsedTime(lastCompiled) < Quiet;
    }
}
