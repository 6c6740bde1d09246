using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>Pseudo-terminals by ioctl_tty(2), which is what posix_openpt(3) and its kin do; without names, which another mount of devpts would make wrong.</summary>
internal static unsafe partial class Libc
{
    // asm-generic/ioctls.h, the same on x86-64 and arm64: _IOW('T', 0x31, int), _IO('T', 0x41), TIOCSWINSZ.
    private const nuint UnlockTerminal = 0x40045431;
    private const nuint OpenTerminalPeer = 0x5441;
    private const nuint SetWindowSize = 0x5414;

    /// <summary>unlockpt(3).</summary>
    internal static PosixResult UnlockPeer(int master)
    {
        if (Faults.IsEnabled && Faults.Fails("ioctl TIOCSPTLCK", out PosixResult fault))
            return fault;
        int unlocked = 0;
        return Result(ioctl(master, UnlockTerminal, &unlocked));
    }

    /// <summary>The other side of <paramref name="master"/>, close-on-exec, and not as our controlling terminal (Linux 4.13).</summary>
    internal static PosixResult OpenPeer(int master) =>
        Faults.IsEnabled && Faults.Fails("ioctl TIOCGPTPEER", out PosixResult fault)
            ? fault
            : Result(ioctl(master, OpenTerminalPeer, (void*)(O_RDWR | O_NOCTTY | O_CLOEXEC)));

    /// <summary>ioctl_tty(2), TIOCSWINSZ: the foreground group gets SIGWINCH if the size changes.</summary>
    internal static PosixResult ResizeTerminal(int terminal, TerminalSize size)
    {
        if (Faults.IsEnabled && Faults.Fails("ioctl TIOCSWINSZ", out PosixResult fault))
            return fault;
        ushort* winsize = stackalloc ushort[4]; // struct winsize: rows, columns, and pixels, which nobody fills in
        (winsize[0], winsize[1]) = (size.Rows, size.Columns);
        return Result(ioctl(terminal, SetWindowSize, winsize));
    }
}
