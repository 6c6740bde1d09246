using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Init;

/// <summary>The child of an init: started directly, with every descriptor and variable that the init has (unlike the children of a factory).</summary>
internal static unsafe class InitChild
{
    /// <param name="program">What to start.</param>
    /// <param name="withTerminal">Whether it gets the foreground of the terminal on our standard input.</param>
    /// <param name="inherited">A close-on-exec descriptor that it has as well; -1 for none.</param>
    /// <returns>Its pid, or why it could not be started.</returns>
    internal static PosixResult Start(InitProgram program, bool withTerminal, int inherited)
    {
        byte* actions = stackalloc byte[Libc.SpawnObjectBytes];
        byte* attributes = stackalloc byte[Libc.SpawnObjectBytes];
        new Span<byte>(actions, Libc.SpawnObjectBytes).Clear();
        new Span<byte>(attributes, Libc.SpawnObjectBytes).Clear();
        try
        {
            bool inChild = withTerminal && SpawnFeatures.OfThisLibc.Foreground;
            PosixResult result = Libc.SpawnFileActionsInit(actions);
            if (result.IsSuccess && inChild)
                result = Libc.SpawnFileActionsAddTerminalGroup(actions, TerminalForeground.Terminal);
            // Onto itself: loses close-on-exec (posix_spawn_file_actions_adddup2(3)).
            if (result.IsSuccess && inherited >= 0)
                result = Libc.SpawnFileActionsAddDup2(actions, inherited, inherited);
            if (result.IsSuccess)
                result = SpawnAttributes.Fill(attributes, ProcessGroup.New, resetIgnoredSignals: false);
            if (result.IsSuccess)
                result = program.Spawn(actions, attributes);
            if (result.IsSuccess && withTerminal && !inChild)
                TerminalForeground.GiveTo(result.IntValue);
            return result;
        }
        finally
        {
            Libc.SpawnFileActionsDestroy(actions);
            Libc.SpawnAttributesDestroy(attributes);
        }
    }
}
