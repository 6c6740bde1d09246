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
    internal static bool IsOurs() => Libc.TerminalGroup(Terminal) is { IsSuccess: true } group && group.IntValue == Libc.ProcessGroup();

    /// <summary>Whether <paramref name="group"/> has it.</summary>
    internal static bool IsOf(int group) => Libc.TerminalGroup(Terminal) is { IsSuccess: true } holder && holder.IntValue == group;

    /// <summary>Whether the terminal is that of our session, in the foreground or not: a child can share it as a job of our shell.</summary>
    internal static bool IsShared() => Libc.TerminalGroup(Terminal).IsSuccess;

    /// <summary>For C libraries that can't do it in the child: it may have read meanwhile, and been stopped for it.</summary>
    internal static void GiveTo(int group)
    {
        _ = Libc.SetTerminalGroup(Terminal, group);
        _ = Libc.Kill(-group, SIGCONT);
    }

    /// <summary>Hands the terminal on, if it is ours to give.</summary>
    internal static void Give(int group)
    {
        if (IsOurs())
            _ = Libc.SetTerminalGroup(Terminal, group);
    }

    /// <summary>As <see cref="Give"/>, also from a group that has no process left. Whether <paramref name="group"/> has it now.</summary>
    internal static bool TryGive(int group)
    {
        PosixResult holder = Libc.TerminalGroup(Terminal);
        if (holder.IsError)
            return false;
        bool isFree = holder.IntValue == Libc.ProcessGroup() || IsEmpty(holder.IntValue);
        return holder.IntValue == group || (isFree && Libc.SetTerminalGroup(Terminal, group).IsSuccess);
    }

    /// <summary>
    /// Takes it back from <paramref name="group"/>, or from a group that has no process left; not from anybody else, such as the
    /// shell that has put us into the background. May be called again.
    /// </summary>
    internal static void TakeBack(int group)
    {
        PosixResult holder = Libc.TerminalGroup(Terminal);
        if (holder.IsSuccess && (holder.IntValue == group || IsEmpty(holder.IntValue)))
            _ = Libc.SetTerminalGroup(Terminal, Libc.ProcessGroup());
    }

    private static bool IsEmpty(int group) => group <= 1 || Libc.Kill(-group, 0).Errno == ESRCH;
}
