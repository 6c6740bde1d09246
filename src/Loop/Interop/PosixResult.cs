using System.Diagnostics;

namespace UnixLoop.Interop;

/// <summary>What a native call returned: a value, or the errno it failed with. An errno becomes an exception only at the public edge.</summary>
[DebuggerDisplay("{ToString(),nq}")]
internal readonly struct PosixResult
{
    private readonly nint _valueOrNegatedErrno;

    private PosixResult(nint valueOrNegatedErrno) => _valueOrNegatedErrno = valueOrNegatedErrno;

    internal static PosixResult Success(nint value = 0) => new(value);

    internal static PosixResult Failure(int errno) => new(-errno);

    internal bool IsSuccess => _valueOrNegatedErrno >= 0;

    internal bool IsError => _valueOrNegatedErrno < 0;

    /// <summary>The returned value; meaningful only on success.</summary>
    internal nint Value => _valueOrNegatedErrno;

    internal int IntValue => (int)_valueOrNegatedErrno;

    /// <summary>The errno; 0 on success.</summary>
    internal int Errno => _valueOrNegatedErrno < 0 ? (int)-_valueOrNegatedErrno : 0;

    public override string ToString() => IsSuccess ? $"{_valueOrNegatedErrno}" : PosixError.Name(Errno);
}
