using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

// The runtime's events cost three system calls for each wake-up on both sides; a futex costs one, and none when the thread is
// awake. (An eventfd would do as well, but it is a descriptor, and this thread never ends.)
//
//   word      Park                          Unpark
//   Idle      → Parked, sleeps              → Notified
//   Notified  → Idle, returns               stays
//   Parked                                  → Notified, wakes
/// <summary>Lets one thread, which never ends, sleep until others wake it.</summary>
internal sealed unsafe class ThreadParker
{
    private const int Idle = 0;
    private const int Notified = 1;
    private const int Parked = 2;

    private readonly int* _word = (int*)NativeMemory.AllocZeroed(sizeof(int));

    /// <summary>The one thread: returns after an <see cref="Unpark"/> since the last return.</summary>
    internal void Park()
    {
        if (Interlocked.CompareExchange(ref *_word, Parked, Idle) == Idle)
        {
            while (Volatile.Read(ref *_word) == Parked)
                Libc.FutexWait(_word, Parked);
        }
        Interlocked.Exchange(ref *_word, Idle);
    }

    internal void Unpark()
    {
        if (Interlocked.Exchange(ref *_word, Notified) == Parked)
            Libc.FutexWake(_word);
    }
}
