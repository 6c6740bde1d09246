using UnixLoop.Fault.Tests.Interop;

namespace UnixLoop.Fault.Tests.Injection;

/// <summary>The children of this process, zombies included, and how to end them at a chosen moment.</summary>
internal static class OwnChildren
{
    /// <summary>Returns when all are dead; nobody has been reaped by this.</summary>
    internal static void KillAll()
    {
        foreach (int child in List())
        {
            FaultLibc.Kill(child);
            FaultLibc.WaitUntilDead(child);
        }
    }

    /// <summary>Returns when all are dead and reaped.</summary>
    internal static void KillAndReapAll()
    {
        foreach (int child in List())
        {
            FaultLibc.Kill(child);
            FaultLibc.Reap(child);
        }
    }

    /// <summary>proc_pid_task_children(5): each thread has its own.</summary>
    private static List<int> List() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").ToArray()
            .SelectMany(task => ReadOrEmpty($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(int.Parse)];

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // the thread has ended
        }
    }
}
