using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>Opens a pseudo-terminal (pty(7)) for a child.</summary>
internal static class PseudoTerminal
{
    /// <summary>Our side is non-blocking; both are close-on-exec and above the standard streams.</summary>
    /// <param name="size">The window's.</param>
    /// <param name="ours">The master.</param>
    /// <param name="childs">The slave, in our process: for as long as it is open, reading from the master meets no end.</param>
    internal static PosixResult Open(TerminalSize size, out UnixHandle? ours, out UnixHandle? childs)
    {
        (ours, childs) = (null, null);
        PosixResult master = StreamFiles.OpenMaster();
        if (master.IsError)
            return master;

        PosixResult result = Libc.UnlockPeer(master.IntValue);
        if (result.IsSuccess)
            result = StreamFiles.Lift(Libc.OpenPeer(master.IntValue));
        if (result.IsError)
        {
            _ = Libc.Close(master.IntValue);
            return result;
        }
        (ours, childs) = (new UnixHandle(master.IntValue), new UnixHandle(result.IntValue));
        return Libc.ResizeTerminal(ours.Descriptor, size);
    }
}
