namespace UnixLoop.TestSupport;

/// <summary>The threads of this process (proc_pid_task(5)).</summary>
internal static class TestThreads
{
    /// <summary>Of those that run; empty for one that ends meanwhile.</summary>
    internal static IEnumerable<string> Names() => Directory.GetDirectories("/proc/self/task").Select(static task =>
    {
        try
        {
            return File.ReadAllText($"{task}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return "";
        }
    });
}
