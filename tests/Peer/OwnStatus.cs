namespace UnixLoop.Peer;

/// <summary>What /proc/self/status says (proc_pid_status(5)).</summary>
/// <param name="Threads">Threads of this process.</param>
/// <param name="ResidentMiB">Resident memory.</param>
internal readonly record struct OwnStatus(int Threads, double ResidentMiB)
{
    internal static OwnStatus Read()
    {
        Dictionary<string, string> fields = File.ReadLines("/proc/self/status")
            .Select(line => line.Split(':', 2))
            .ToDictionary(pair => pair[0], pair => pair[1].Trim());
        return new(int.Parse(fields["Threads"]), double.Parse(fields["VmRSS"].Split(' ')[0]) / 1024);
    }
}
