using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>Names errno values and turns them into the exceptions of the public edge.</summary>
internal static class PosixError
{
    // A plain dictionary: a frozen one lives in an assembly of its own, which can't be loaded at the first EMFILE.
    private static readonly Dictionary<int, string> Names = new()
    {
        [E2BIG] = "E2BIG",
        [EACCES] = "EACCES",
        [EADDRINUSE] = "EADDRINUSE",
        [EADDRNOTAVAIL] = "EADDRNOTAVAIL",
        [EAFNOSUPPORT] = "EAFNOSUPPORT",
        [EAGAIN] = "EAGAIN",
        [EALREADY] = "EALREADY",
        [EBADF] = "EBADF",
        [EBUSY] = "EBUSY",
        [ECANCELED] = "ECANCELED",
        [ECHILD] = "ECHILD",
        [ECONNABORTED] = "ECONNABORTED",
        [ECONNREFUSED] = "ECONNREFUSED",
        [ECONNRESET] = "ECONNRESET",
        [EDESTADDRREQ] = "EDESTADDRREQ",
        [EDOM] = "EDOM",
        [EDQUOT] = "EDQUOT",
        [EEXIST] = "EEXIST",
        [EFAULT] = "EFAULT",
        [EFBIG] = "EFBIG",
        [EHOSTUNREACH] = "EHOSTUNREACH",
        [EINPROGRESS] = "EINPROGRESS",
        [EINTR] = "EINTR",
        [EINVAL] = "EINVAL",
        [EIO] = "EIO",
        [EISCONN] = "EISCONN",
        [EISDIR] = "EISDIR",
        [ELOOP] = "ELOOP",
        [EMFILE] = "EMFILE",
        [EMSGSIZE] = "EMSGSIZE",
        [ENAMETOOLONG] = "ENAMETOOLONG",
        [ENETUNREACH] = "ENETUNREACH",
        [ENFILE] = "ENFILE",
        [ENOBUFS] = "ENOBUFS",
        [ENODEV] = "ENODEV",
        [ENOENT] = "ENOENT",
        [ENOEXEC] = "ENOEXEC",
        [ENOLCK] = "ENOLCK",
        [ENOMEM] = "ENOMEM",
        [ENOPROTOOPT] = "ENOPROTOOPT",
        [ENOSPC] = "ENOSPC",
        [ENOSYS] = "ENOSYS",
        [ENOTCONN] = "ENOTCONN",
        [ENOTDIR] = "ENOTDIR",
        [ENOTEMPTY] = "ENOTEMPTY",
        [ENOTSOCK] = "ENOTSOCK",
        [EOPNOTSUPP] = "EOPNOTSUPP",
        [ENOTTY] = "ENOTTY",
        [ENXIO] = "ENXIO",
        [EOVERFLOW] = "EOVERFLOW",
        [EPERM] = "EPERM",
        [EPIPE] = "EPIPE",
        [EPROTO] = "EPROTO",
        [EPROTOTYPE] = "EPROTOTYPE",
        [ERANGE] = "ERANGE",
        [EROFS] = "EROFS",
        [ESPIPE] = "ESPIPE",
        [ESRCH] = "ESRCH",
        [ESTALE] = "ESTALE",
        [ETIMEDOUT] = "ETIMEDOUT",
        [ETOOMANYREFS] = "ETOOMANYREFS",
        [ETXTBSY] = "ETXTBSY",
        [EXDEV] = "EXDEV",
        [ELIBBAD] = "ELIBBAD",
    };

    /// <summary>"ENOENT" for 2; "errno 4711" for a number without a name here.</summary>
    internal static string Name(int errno) => Names.GetValueOrDefault(errno) ?? $"errno {errno}";

    /// <summary>strerror(3)'s sentence for <paramref name="errno"/>.</summary>
    internal static string Message(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>"EMFILE: eventfd for loop 'x': Too many open files", with the errno as HResult.</summary>
    internal static IOException ToException(PosixResult result, string call) =>
        new($"{Name(result.Errno)}: {call}: {Message(result.Errno)}", result.Errno);

    /// <summary>The value of a successful <paramref name="result"/>; throws <see cref="ToException"/> for any other.</summary>
    internal static int ThrowIfError(PosixResult result, string call) =>
        result.IsSuccess ? result.IntValue : throw ToException(result, call);
}
