using System.Diagnostics;

namespace UnixLoop.Peer;

/// <summary>
/// Repeats an operation before it is measured. The count is that of the other .NET programs, whose libraries are compiled ahead
/// of time; ours is compiled while it runs, and is left the time to be compiled to the end.
/// </summary>
internal static class WarmUp
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    internal static async Task RunAsync(int count, Func<Task> operation)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < count || Stopwatch.GetElapsedTime(start) < Time; i++)
            await operation();
    }
}
