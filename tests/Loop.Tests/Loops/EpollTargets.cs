using System.Globalization;

namespace UnixLoop.Loop.Tests.Loops;

/// <summary>The descriptors that the epolls of this process have, by the kernel (proc_pid_fdinfo(5)).</summary>
internal static class EpollTargets
{
    internal static IReadOnlyList<int> Read() => [.. Directory.GetFiles("/proc/self/fdinfo").SelectMany(Read)];

    private static int[] Read(string file)
    {
        try
        {
            return [.. File.ReadLines(file).Where(static line => line.StartsWith("tfd:", StringComparison.Ordinal)).Select(Parse)];
        }
        catch (IOException)
        {
            return []; // closed since the folder was read
        }
    }

    /// <summary>"tfd:        5 events:       1d data: ..."</summary>
    private static int Parse(string line) => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
