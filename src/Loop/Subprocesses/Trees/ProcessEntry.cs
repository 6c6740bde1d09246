using System.Globalization;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>What /proc/pid/stat says of a process. Its id and start time together are its own for ever.</summary>
/// <param name="Id">Field 1.</param>
/// <param name="Name">Field 2.</param>
/// <param name="State">Field 3.</param>
/// <param name="Parent">Field 4.</param>
/// <param name="Group">Field 5.</param>
/// <param name="Session">Field 6.</param>
/// <param name="StartTime">Field 22, in clock ticks since the system's start.</param>
internal readonly record struct ProcessEntry(int Id, string Name, char State, int Parent, int Group, int Session, long StartTime)
{
    /// <summary>Neither a zombie nor dead.</summary>
    internal bool IsAlive => State is not ('Z' or 'X');

    internal bool IsSameAs(in ProcessEntry other) => Id == other.Id && StartTime == other.StartTime;

    /// <summary>Null where there is no such process, or we may not see it (hidepid of proc(5)).</summary>
    /// <exception cref="IOException">EMFILE, ENFILE: it is not known whether there is one.</exception>
    internal static ProcessEntry? Read(int pid)
    {
        try
        {
            return Parse(File.ReadAllText($"/proc/{pid}/stat"));
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && e.HResult != EMFILE && e.HResult != ENFILE))
        {
            return null;
        }
    }

    /// <summary>The name stands in brackets, and may itself hold brackets and spaces (proc_pid_stat(5)).</summary>
    internal static ProcessEntry Parse(string line)
    {
        int open = line.IndexOf('('), close = line.LastIndexOf(')');
        string[] fields = line[(close + 2)..].Split(' ');
        return new ProcessEntry(
            Number(line[..(open - 1)]), line[(open + 1)..close], fields[0][0], Number(fields[1]), Number(fields[2]), Number(fields[3]),
            long.Parse(fields[19], CultureInfo.InvariantCulture));
    }

    private static int Number(string field) => int.Parse(field, CultureInfo.InvariantCulture);
}
