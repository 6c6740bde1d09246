using System.Globalization;

namespace UnixLoop.Loop.Tests.Loops;

/// <summary>What the kernel says of a descriptor in an epoll of this process (proc_pid_fdinfo(5)).</summary>
internal sealed record EpollEntry(int Target, uint Events)
{
    internal static IReadOnlyList<EpollEntry> All() => [.. Directory.GetFiles("/proc/self/fdinfo").SelectMany(Read)];

    internal static IReadOnlyList<int> Targets() => [.. All().Select(static entry => entry.Target)];

    private static EpollEntry[] Read(string file)
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
    private static EpollEntry Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new(int.Parse(words[1], CultureInfo.InvariantCulture), uint.Parse(words[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
