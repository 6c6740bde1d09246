using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>The posix_spawnattr_t of a start: signals by rule 6 of linux.md, process group by rule 5.</summary>
internal static unsafe class SpawnAttributes
{
    /// <summary>
    /// Every bit, also those of signals that can't be set (the C library ignores that) and of its own two, 32 and 33: what is
    /// not named here, glibc's posix_spawn sets to ignored for those two, and the child would keep it.
    /// </summary>
    private const ulong AllSignals = ulong.MaxValue;

    /// <summary>Fills in <paramref name="attributes"/>, which the caller destroys whatever comes back.</summary>
    internal static PosixResult Fill(byte* attributes, ProcessGroup group, bool resetIgnoredSignals)
    {
        PosixResult result = Libc.SpawnAttributesInit(attributes);
        if (result.IsError)
            return result;

        // A session brings its group along; asking for both fails, since a session's leader can't change its group (setpgid(2)).
        short flags = group switch
        {
            ProcessGroup.New or ProcessGroup.Foreground => Libc.SpawnSetProcessGroup,
            ProcessGroup.NewSession => Libc.SpawnSetSession,
            _ => 0,
        };
        if (flags == Libc.SpawnSetProcessGroup && (result = Libc.SpawnAttributesSetProcessGroup(attributes, 0)).IsError)
            return result;

        if ((result = Libc.SpawnAttributesSetSignalDefaults(attributes, DefaultSignals(resetIgnoredSignals))).IsError)
            return result;
        if ((result = Libc.SpawnAttributesSetSignalMask(attributes, 0)).IsError)
            return result;
        return Libc.SpawnAttributesSetFlags(attributes, (short)(flags | Libc.SpawnSetSignalDefaults | Libc.SpawnSetSignalMask));
    }

    /// <summary>Those ignored from the start stay as they are (nohup(1)); handlers never survive an exec.</summary>
    internal static ulong DefaultSignals(bool resetIgnoredSignals) => resetIgnoredSignals ? AllSignals : AllSignals & ~StartupSignals.Ignored;

    /// <summary>
    /// What the group that is <paramref name="asked"/> for means for this start: a child outside the foreground group would be stopped
    /// at its first read from the terminal. <see cref="ProcessGroup.Default"/> is left where it takes a look at the child's standard
    /// input, which is ours: the native helper's child looks itself (<see cref="ResolveDefault"/>).
    /// </summary>
    internal static ProcessGroup Resolve(ProcessGroup asked, Stdio input, bool ownTerminal)
    {
        if (ownTerminal)
            return ProcessGroup.NewSession; // whose leader alone can get one (tty_ioctl(4), TIOCSCTTY)
        bool inherited = input.Kind == StdioKind.Inherit;
        return asked switch
        {
            ProcessGroup.Default => inherited ? ProcessGroup.Default : ProcessGroup.New,
            ProcessGroup.Foreground => inherited && TerminalForeground.IsOurs() ? ProcessGroup.Foreground : ProcessGroup.New,
            _ => asked,
        };
    }

    /// <summary>The look: at our own standard input.</summary>
    internal static ProcessGroup ResolveDefault(ProcessGroup resolved) =>
        resolved != ProcessGroup.Default ? resolved : Libc.IsTerminal(TerminalForeground.Terminal) ? ProcessGroup.Inherit : ProcessGroup.New;
}
