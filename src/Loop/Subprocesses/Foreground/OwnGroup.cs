using System.Globalization;
using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>Our own process group, as a shell's job.</summary>
internal static class OwnGroup
{
    /// <summary>
    /// Whether somebody of our session stands outside of our group and above us: a shell that can continue us. Otherwise the group
    /// is orphaned (POSIX 3.264), and the kernel drops the terminal's stop signals.
    /// </summary>
    internal static bool HasShell()
    {
        Stat own = Read(Environment.ProcessId);
        // An ancestor that is gone reads as all zeros; but a session from outside of our pid namespace is 0, too: pid 0 alone ends the way up.
        for (int pid = own.Parent; pid != 0;)
        {
            Stat parent = Read(pid);
            if (parent.Session != own.Session)
                return false;
            if (parent.Group != own.Group)
                return true;
            pid = parent.Parent;
        }
        return false;
    }

    /// <summary>Our parent's pid; 0 where /proc can't be read.</summary>
    internal static int Parent() => Read(Environment.ProcessId).Parent;

    /// <summary>Stops the whole group, us included; returns once we have been continued, or shortly before we stop.</summary>
    /// <param name="signal">SIGTSTP, SIGTTIN, SIGTTOU or SIGSTOP.</param>
    internal static void Stop(int signal)
    {
        bool ignored = (StartupSignals.Ignored & (1UL << (signal - 1))) != 0;
        _ = Libc.Kill(0, ignored ? Tmds.Linux.LibC.SIGSTOP : signal);
    }

    /// <summary>Fields 4 to 6 of /proc/pid/stat (proc_pid_stat(5)); they follow the name, which may itself hold spaces and brackets.</summary>
    internal static Stat Parse(string line)
    {
        string[] fields = line[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new Stat(Number(fields[1]), Number(fields[2]), Number(fields[3]));
    }

    private static int Number(string field) => int.Parse(field, CultureInfo.InvariantCulture);

    private static Stat Read(int pid)
    {
        if (pid == 0)
            return default;
        try
        {
            return Parse(File.ReadAllText($"/proc/{pid}/stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) // hidepid of proc(5)
        {
            return default;
        }
    }

    internal readonly record struct Stat(int Parent, int Group, int Session);
}
