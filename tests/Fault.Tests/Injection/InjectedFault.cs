using UnixLoop.Interop;

namespace UnixLoop.Fault.Tests.Injection;

/// <summary>What happens at one call of a native function.</summary>
internal enum FaultKind
{
    /// <summary>The call fails with an errno and is not made.</summary>
    Fail,

    /// <summary>A read or write is cut to one byte.</summary>
    CutToOneByte,

    /// <summary>A read or write is cut to half.</summary>
    CutToHalf,

    /// <summary>Every child of this process is killed and dead before the call is made.</summary>
    ChildDies,

    /// <summary>As <see cref="ChildDies"/>, and somebody else has reaped it: the call then gives ECHILD or ESRCH by itself.</summary>
    ChildStolen,
}

/// <summary>The <paramref name="Occurrence"/>-th call of <paramref name="Function"/> (from 1) meets a fault.</summary>
internal sealed record InjectedFault(string Function, int Occurrence, FaultKind Kind, int Errno = 0)
{
    /// <summary>"fcntl F_DUPFD_CLOEXEC #3 EMFILE".</summary>
    public override string ToString() => $"{Function} #{Occurrence} {(Kind == FaultKind.Fail ? PosixError.Name(Errno) : Kind.ToString())}";
}
