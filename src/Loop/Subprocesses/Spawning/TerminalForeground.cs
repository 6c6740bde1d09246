using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Who has the terminal on our standard input (linux.md, rule 19; tcsetpgrp(3)). A child of <see cref="ProcessGroup.Foreground"/>
/// gets it before its exec; whoever learns that the child has ended or stopped takes it back.
/// </summary>
internal static class TerminalForeground
{
    internal const int Terminal = 0;

    /// <summary>Whether there is a terminal, and our group may give it away.</summary>
    internal static bool IsOurs()
    {
        if (!Libc.IsTerminal(Terminal))
            return false;
        PosixResult group = Libc.TerminalGroup(Terminal);
        return group.IsSuccess && group.IntValue == Libc.ProcessGroup();
    }

    /// <summary>For C libraries that can't do it in the child: it may have read meanwhile, and been stopped for it.</summary>
    internal static void GiveTo(int group)
    {
        _ = Libc.SetTerminalGroup(Terminal, group);
        _ = Libc.Kill(-group, SIGCONT);
    }

    /// <summary>From the background too. May be called again.</summary>
    internal static void TakeBack() => _ = Libc.SetTerminalGroup(Terminal, Libc.ProcessGroup());
}
