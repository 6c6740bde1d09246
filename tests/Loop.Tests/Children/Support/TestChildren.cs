using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.TestSupport.Children;

/// <summary>Real children for the watchers' tests.</summary>
internal static class TestChildren
{
    /// <summary>How many children the tests about many start: UNIXLOOP_CHILDREN, else a number that suits a small machine.</summary>
    internal static int Many { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("UNIXLOOP_CHILDREN"), out int many) ? many : 300;

    internal static SpawnedChild Start(string program, params string[] arguments) =>
        Spawner.Start(
            new SubprocessStartInfo(program, arguments) { ProcessGroup = ProcessGroup.Inherit }, Stdio.Null, Stdio.Null, Stdio.Null);

    /// <summary>Lives until it is killed.</summary>
    internal static SpawnedChild StartSleeping() => Start("sleep", "1000");

    internal static SpawnedChild StartExiting(int code) => Start("sh", "-c", $"exit {code}");

    /// <summary>A zombie: dead, and nobody has reaped it.</summary>
    internal static SpawnedChild StartDead(int code)
    {
        SpawnedChild child = StartExiting(code);
        WaitUntilDead(child.Pid);
        return child;
    }

    internal static void KillAndWaitUntilDead(int pid)
    {
        Kill(pid);
        WaitUntilDead(pid);
    }

    internal static void Kill(int pid) => Assert.True(Libc.Kill(pid, UnixSignal.Kill.Number).IsSuccess, $"kill {pid}");

    /// <summary>Returns when the child is a zombie, or reaped already.</summary>
    internal static unsafe void WaitUntilDead(int pid) =>
        Libc.WaitId(Libc.P_PID, pid, info: null, Libc.WEXITED | Libc.WNOWAIT, usage: null);

    internal static bool IsZombie(int pid)
    {
        try
        {
            // The state comes after the program's name, which is in brackets (proc_pid_stat(5)).
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] == 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    internal static bool Exists(int pid) => Directory.Exists($"/proc/{pid}");

    /// <summary>Reaps a child that no watcher has any more; false if somebody else did.</summary>
    internal static unsafe bool TryReap(int pid) =>
        Libc.WaitId(Libc.P_PID, pid, info: null, Libc.WEXITED, usage: null).IsSuccess;
}
