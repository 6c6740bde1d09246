namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>The threads of this process by their names (proc_pid_task(5)).</summary>
internal static class OwnThreads
{
    internal static bool Exist(string name) => Directory.EnumerateDirectories("/proc/self/task").ToArray().Any(task => Name(task) == name);

    private static string? Name(string task)
    {
        try
        {
            return File.ReadAllText($"{task}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return null; // it has ended
        }
    }
}
