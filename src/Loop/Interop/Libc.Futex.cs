using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    // linux/futex.h; private: the word is shared by threads alone.
    private const int FUTEX_WAIT_PRIVATE = 0 | 128;
    private const int FUTEX_WAKE_PRIVATE = 1 | 128;

    /// <summary>futex(2): sleeps while <paramref name="word"/> is <paramref name="expected"/>. May return at any time: look again. Asks no fault plan: it has no failure but a wrong argument.</summary>
    internal static void FutexWait(int* word, int expected) => futex(FutexNumber, word, FUTEX_WAIT_PRIVATE, expected, 0, 0);

    /// <summary>futex(2): wakes one thread that sleeps on <paramref name="word"/>. Asks no fault plan, as above.</summary>
    internal static void FutexWake(int* word) => futex(FutexNumber, word, FUTEX_WAKE_PRIVATE, 1, 0, 0);

    private static nint FutexNumber => Number(202, 98);

    // libc has no wrapper of its own (futex(2)).
    [LibraryImport(Library, EntryPoint = "syscall")]
    private static partial nint futex(nint number, int* word, nint operation, nint value, nint timeout, nint word2);
}
