namespace UnixLoop;

/// <summary>The resources of setrlimit(2), with the kernel's numbers.</summary>
public enum ResourceLimit
{
    /// <summary>RLIMIT_CPU: seconds of CPU time.</summary>
    Cpu = 0,

    /// <summary>RLIMIT_FSIZE: bytes of a file that is written.</summary>
    FSize = 1,

    /// <summary>RLIMIT_DATA: bytes of data, heap included.</summary>
    Data = 2,

    /// <summary>RLIMIT_STACK: bytes of the main thread's stack.</summary>
    Stack = 3,

    /// <summary>RLIMIT_CORE: bytes of a core dump; 0 for none.</summary>
    Core = 4,

    /// <summary>RLIMIT_RSS: has no effect since Linux 2.4.30.</summary>
    Rss = 5,

    /// <summary>RLIMIT_NPROC: processes and threads of the child's real user, not of the child.</summary>
    NProc = 6,

    /// <summary>RLIMIT_NOFILE: one more than the highest descriptor.</summary>
    NoFile = 7,

    /// <summary>RLIMIT_MEMLOCK: bytes locked into memory.</summary>
    MemLock = 8,

    /// <summary>RLIMIT_AS: bytes of address space.</summary>
    AddressSpace = 9,

    /// <summary>RLIMIT_LOCKS: has no effect since Linux 2.4.25.</summary>
    Locks = 10,

    /// <summary>RLIMIT_SIGPENDING: signals queued for the child's real user.</summary>
    SigPending = 11,

    /// <summary>RLIMIT_MSGQUEUE: bytes of POSIX message queues of the child's real user.</summary>
    MsgQueue = 12,

    /// <summary>RLIMIT_NICE: 20 less the lowest nice value.</summary>
    Nice = 13,

    /// <summary>RLIMIT_RTPRIO: the highest real-time priority.</summary>
    RtPrio = 14,

    /// <summary>RLIMIT_RTTIME: microseconds of CPU time without a blocking call under real-time scheduling.</summary>
    RtTime = 15,
}
