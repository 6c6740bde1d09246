using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    private const int SIG_BLOCK = 0, SIG_SETMASK = 2; // asm-generic/signal-defs.h

    /// <summary>pthread_sigmask(3): this thread blocks <paramref name="signals"/> as well as what it blocked <paramref name="before"/>. Bit n-1 stands for signal n.</summary>
    internal static PosixResult BlockSignals(ulong signals, out ulong before)
    {
        before = 0;
        if (Faults.IsEnabled && Faults.Fails("pthread_sigmask", out PosixResult fault))
            return fault;
        ulong* set = stackalloc ulong[SignalSetWords];
        ulong* previous = stackalloc ulong[SignalSetWords];
        set[0] = signals;
        PosixResult result = ErrorNumber(pthread_sigmask(SIG_BLOCK, set, previous));
        before = previous[0];
        return result;
    }

    /// <summary>pthread_sigmask(3): this thread blocks <paramref name="signals"/> and no others.</summary>
    internal static PosixResult SetSignalMask(ulong signals)
    {
        if (Faults.IsEnabled && Faults.Fails("pthread_sigmask", out PosixResult fault))
            return fault;
        ulong* set = stackalloc ulong[SignalSetWords];
        set[0] = signals;
        return ErrorNumber(pthread_sigmask(SIG_SETMASK, set, null));
    }

    /// <summary>sigwaitinfo(2): takes a pending one of <paramref name="signals"/>, which the caller blocks, or waits for one; the value is its number. Repeated on EINTR.</summary>
    internal static PosixResult WaitForSignal(ulong signals)
    {
        ulong* set = stackalloc ulong[SignalSetWords];
        set[0] = signals;
        PosixResult result;
        do
        {
            result = Faults.IsEnabled && Faults.Fails("sigwaitinfo", out PosixResult fault)
                ? fault
                : Result(sigwaitinfo(set, null));
        }
        while (result.Errno == EINTR);
        return result;
    }

    [LibraryImport(Library)]
    private static partial int pthread_sigmask(int how, ulong* set, ulong* previous);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int sigwaitinfo(ulong* set, void* info);
}
