using static Tmds.Linux.LibC;

namespace UnixLoop.Children;

/// <summary>wait(2)'s status word: exit code in bits 8 to 15, signal in bits 0 to 6, core dump in bit 7 (bits/waitstatus.h).</summary>
internal static class ChildStatusWord
{
    private const int CoreFlag = 0x80;
    private const int SignalMask = 0x7f;

    /// <summary>The word for waitid(2)'s si_code and si_status. A code that is not an exit gives a word that decodes to unknown.</summary>
    internal static int From(int code, int status)
    {
        if (code == CLD_EXITED)
            return (status & 0xff) << 8;
        if (code == CLD_KILLED)
            return status & SignalMask;
        if (code == CLD_DUMPED)
            return (status & SignalMask) | CoreFlag;
        return (status << 8) | SignalMask; // as a stop is encoded
    }

    internal static ChildExitStatus Decode(int word)
    {
        int signal = word & SignalMask;
        if (signal == 0)
            return new ChildExitStatus { Kind = ChildExitKind.Exited, ExitCode = (word >> 8) & 0xff, RawStatus = word };
        if (signal == SignalMask)
            return new ChildExitStatus { Kind = ChildExitKind.Unknown, RawStatus = word };
        return new ChildExitStatus
        {
            Kind = ChildExitKind.Signaled,
            Signal = new UnixSignal(signal),
            CoreDumped = (word & CoreFlag) != 0,
            RawStatus = word,
        };
    }
}
