using UnixLoop.Signals;

namespace UnixLoop;

/// <summary>
/// A Linux signal by its number (signal(7)); the numbers are those of x86-64 and arm64. Any signal can be named and sent;
/// those that can't be handled are refused by <see cref="IUnixEventLoop.AddSignalHandler(UnixSignal, Action)"/> with the
/// reason: SIGKILL and SIGSTOP (the kernel), SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE and SIGSEGV (faults), SIGPIPE and
/// SIGRTMIN (the runtime), 32 and up to below SIGRTMIN (libc), and SIGCHLD where the runtime reaps every child.
/// </summary>
/// <param name="Number">1 to 64.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="Number"/> is below 1 or above 64.</exception>
public readonly partial record struct UnixSignal(int Number)
{
    internal const int Max = 64;

    /// <summary>The number, 1 to 64; 0 for <c>default(UnixSignal)</c>, which is no signal.</summary>
    public int Number { get; } = Number is >= 1 and <= Max
        ? Number
        : throw new ArgumentOutOfRangeException(nameof(Number), Number, $"A signal's number is 1 to {Max} (signal(7)).");

    /// <summary>The terminal has gone, or "read your configuration again" (1).</summary>
    public static UnixSignal Hup => new(1);

#pragma warning disable CA1720 // signal(7) calls it INT
    /// <summary>Interrupt from the keyboard, Ctrl+C (2).</summary>
    public static UnixSignal Int => new(2);
#pragma warning restore CA1720

    /// <summary>Quit from the keyboard, Ctrl+\ (3).</summary>
    public static UnixSignal Quit => new(3);

    /// <summary>abort(3) (6); can't be handled.</summary>
    public static UnixSignal Abrt => new(6);

    /// <summary>Kill (9); can't be handled.</summary>
    public static UnixSignal Kill => new(9);

    /// <summary>For the program's own use (10).</summary>
    public static UnixSignal Usr1 => new(10);

    /// <summary>Bad memory reference (11); can't be handled.</summary>
    public static UnixSignal Segv => new(11);

    /// <summary>For the program's own use (12).</summary>
    public static UnixSignal Usr2 => new(12);

    /// <summary>Write to a pipe that nobody reads (13); can't be handled, .NET ignores it.</summary>
    public static UnixSignal Pipe => new(13);

    /// <summary>The timer of alarm(2) (14).</summary>
    public static UnixSignal Alrm => new(14);

    /// <summary>Terminate (15).</summary>
    public static UnixSignal Term => new(15);

    /// <summary>A child has stopped or ended (17).</summary>
    public static UnixSignal Chld => new(17);

    /// <summary>Continue if stopped (18).</summary>
    public static UnixSignal Cont => new(18);

    /// <summary>Stop (19); can't be handled.</summary>
    public static UnixSignal Stop => new(19);

    /// <summary>Stop from the keyboard, Ctrl+Z (20).</summary>
    public static UnixSignal Tstp => new(20);

    /// <summary>A background process reads from its terminal (21).</summary>
    public static UnixSignal Ttin => new(21);

    /// <summary>A background process writes to its terminal (22).</summary>
    public static UnixSignal Ttou => new(22);

    /// <summary>The terminal's window has another size (28).</summary>
    public static UnixSignal Winch => new(28);

    /// <summary>The first real-time signal as libc reports it (34 with glibc, 35 with musl); can't be handled, .NET suspends threads with it.</summary>
    public static UnixSignal RtMin => new(Interop.Libc.SigRtMin);

    /// <summary>The last real-time signal (64).</summary>
    public static UnixSignal RtMax => new(Interop.Libc.SigRtMax);

    /// <summary>The real-time signal SIGRTMIN+<paramref name="offset"/>. Programs use these names, since SIGRTMIN is libc's choice.</summary>
    /// <param name="offset">0 to SIGRTMAX-SIGRTMIN (30 with glibc, 29 with musl).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative or leads beyond SIGRTMAX.</exception>
    public static UnixSignal RealTime(int offset)
    {
        int last = RtMax.Number - RtMin.Number;
        return offset >= 0 && offset <= last
            ? new(RtMin.Number + offset)
            : throw new ArgumentOutOfRangeException(nameof(offset), offset, $"SIGRTMIN+n needs an n from 0 to {last} here.");
    }

    /// <summary>"SIGTERM", "SIGRTMIN+3"; the bare number for those that libc keeps to itself; "no signal" for <c>default</c>.</summary>
    public override string ToString() => SignalNames.NameOf(Number);
}
