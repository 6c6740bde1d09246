using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// The posix_spawn_file_actions_t of a start. Their order is the order in the child: wanted descriptors are put in place, then
/// all others are closed (those that we inherited ourselves without close-on-exec would leak otherwise), then the directory.
/// A terminal is opened anew: the first that a session's leader opens becomes its controlling terminal (tty_ioctl(4)).
/// </summary>
internal static unsafe class SpawnActions
{
    /// <summary>Fills in <paramref name="actions"/>, which the caller destroys whatever comes back.</summary>
    internal static PosixResult Fill(byte* actions, ChildDescriptors descriptors, byte* workingDirectory, bool foreground, SpawnFeatures features)
    {
        PosixResult result = Libc.SpawnFileActionsInit(actions);
        if (result.IsError)
            return result;

        foreach ((int target, int source) in descriptors.Moves)
        {
            result = source == DescriptorMove.Closed
                ? Libc.SpawnFileActionsAddClose(actions, target)
                : target == descriptors.TerminalTarget
                ? Libc.SpawnFileActionsAddOpen(actions, target, $"/proc/self/fd/{source}", O_RDWR)
                : Libc.SpawnFileActionsAddDup2(actions, source, target);
            if (result.IsError)
                return result;
        }

        if (foreground && features.Foreground && (result = Libc.SpawnFileActionsAddTerminalGroup(actions, TerminalForeground.Terminal)).IsError)
            return result;
        if (descriptors.HighestTarget >= StartInfoRules.LowestExtraDescriptor && (result = CloseGaps(actions, descriptors)).IsError)
            return result;
        result = features.CloseFrom
            ? Libc.SpawnFileActionsAddCloseFrom(actions, descriptors.HighestTarget + 1)
            : CloseEachAbove(actions, descriptors.HighestTarget);
        if (result.IsError || workingDirectory == null)
            return result;
        return Libc.SpawnFileActionsAddChdir(actions, workingDirectory);
    }

    private static PosixResult CloseGaps(byte* actions, ChildDescriptors descriptors)
    {
        Span<bool> wanted = stackalloc bool[StartInfoRules.HighestExtraDescriptor + 1];
        wanted.Clear();
        foreach (DescriptorMove move in descriptors.Moves)
            wanted[move.Target] = true;
        for (int i = StartInfoRules.LowestExtraDescriptor; i < descriptors.HighestTarget; i++)
        {
            PosixResult result = wanted[i] ? PosixResult.Success() : Libc.SpawnFileActionsAddClose(actions, i);
            if (result.IsError)
                return result;
        }
        return PosixResult.Success();
    }

    // linux.md, rule 7. Not atomic: a descriptor without close-on-exec that another thread opens from here on is missed.
    private static PosixResult CloseEachAbove(byte* actions, int highest)
    {
        PosixResult result = OpenDescriptors.WithoutCloseOnExec(highest + 1, out List<int> leaking);
        foreach (int descriptor in leaking)
        {
            if (result.IsError)
                break;
            result = Libc.SpawnFileActionsAddClose(actions, descriptor);
        }
        return result;
    }
}
