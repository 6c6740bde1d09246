using Microsoft.Extensions.Logging;
using static UnixLoop.Interop.Libc;

namespace UnixLoop.Children;

/// <summary>
/// Takes zombies that nobody has added, where that was asked for and can't be a child that <c>Process.Start</c> is just
/// registering (linux.md, rule 16): the runtime ends the process over one of those.
/// </summary>
internal sealed unsafe class UnknownZombie(UnixEventLoop loop, ILogger logger, FastChildWatcher watcher)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);

    private (int Pid, string Birth) _seen;
    private long _seenAt;

    /// <summary>Reaps it if it has been there long enough.</summary>
    internal bool TryReapOnLoop(int pid)
    {
        if (!watcher.ReapsUnknownChildren)
            return false;
        (int, string) zombie = (pid, Birth(pid));
        if (zombie != _seen || watcher.IsSpawning)
        {
            (_seen, _seenAt) = (zombie, loop.Clock.GetTimestamp());
            return false;
        }
        if (loop.Clock.GetElapsedTime(_seenAt) < s_patience || IsProcessClassLoaded())
            return false;
        siginfo_t info = default;
        if (WaitId(P_PID, pid, &info, WEXITED | WNOHANG, usage: null).IsError || info.si_pid == 0)
            return false;
        ChildrenLog.UnknownChildReaped(logger, pid, ChildStatusWord.Decode(ChildStatusWord.From(info.si_code, info.si_status)));
        return true;
    }

    /// <summary>Compiled ahead of time nobody can tell; there the option says so.</summary>
    internal static bool IsProcessClassLoaded() =>
        AppDomain.CurrentDomain.GetAssemblies().Any(static assembly => assembly.GetName().Name == "System.Diagnostics.Process");

    /// <summary>When the process began, in clock ticks: the 22nd field (proc_pid_stat(5)), the 20th after the name in brackets.</summary>
    private static string Birth(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
