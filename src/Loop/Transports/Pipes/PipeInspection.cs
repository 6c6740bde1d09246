using System.Runtime.InteropServices;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>Finds out what a descriptor is, and whether it can be a pipe's end.</summary>
internal static class PipeInspection
{
    private const int MemoryDevices = 1; // null, zero, full and their like: admin-guide/devices.txt
    private const int KernelLog = 11; // the one of them that makes readers wait
    private const int AccessModeMask = 3; // O_ACCMODE

    /// <summary>As <see cref="Inspect"/>, of a handle that the user gives.</summary>
    /// <param name="handle">The caller's until this has returned.</param>
    /// <param name="use">What it is to be open for.</param>
    /// <param name="forOwn">The method that takes a standard stream.</param>
    internal static PipeEnd InspectHandle(SafeHandle handle, PipeUse use, string forOwn)
    {
        ArgumentNullException.ThrowIfNull(handle);
        long number = handle.DangerousGetHandle();
        if (number is >= 0 and <= 2 && !handle.IsClosed)
            throw new ArgumentException($"Descriptor {number} is a standard stream, whose flags other processes share: {forOwn} opens it without changing them.", nameof(handle));
        return Inspect(handle, use, $"descriptor {number}", nameof(handle));
    }

    /// <summary>The end, of a handle that is the caller's until this has returned. Nothing of it is changed.</summary>
    /// <exception cref="ArgumentException">It can't be used so; the message names it and the rule.</exception>
    /// <exception cref="IOException">statx(2) failed.</exception>
    internal static PipeEnd Inspect(SafeHandle handle, PipeUse use, string what, string parameter)
    {
        if (handle.IsInvalid || handle.IsClosed)
            throw new ArgumentException("The handle holds no descriptor.", parameter);
        int descriptor = (int)handle.DangerousGetHandle();
        DescriptorStatus status = Stat(descriptor, what);
        PipeEndKind kind = KindOf(descriptor, status)
            ?? throw new ArgumentException($"{Capital(what)} is {NameOf(status)}: a pipe's end is a pipe, a FIFO, a connected stream socket or a character device.", parameter);
        if (!IsOpenFor(descriptor, use))
            throw new ArgumentException($"{Capital(what)} is not open for {(use == PipeUse.Read ? "reading" : "writing")}.", parameter);
        return new PipeEnd(handle, kind);
    }

    internal static DescriptorStatus Stat(int descriptor, string what)
    {
        PosixResult asked = Libc.StatDescriptor(descriptor, out DescriptorStatus status);
        return asked.IsSuccess ? status : throw PosixError.ToException(asked, $"statx of {what}");
    }

    /// <summary>Null for what is no end: a regular file, a directory, a block device, a socket that is no connected stream.</summary>
    internal static PipeEndKind? KindOf(int descriptor, in DescriptorStatus status) => status.Type switch
    {
        Libc.Fifo => PipeEndKind.Pipe,
        Libc.SocketFile when IsConnectedStream(descriptor) => IsUnix(descriptor) ? PipeEndKind.UnixSocket : PipeEndKind.Socket,
        Libc.CharacterDevice when IsMemoryDevice(status) => PipeEndKind.File,
        Libc.CharacterDevice => Libc.IsTerminal(descriptor) ? PipeEndKind.Terminal : PipeEndKind.Device,
        _ => null,
    };

    /// <summary>By the access mode of its description (fcntl(2), F_GETFL).</summary>
    internal static bool IsOpenFor(int descriptor, PipeUse use)
    {
        PosixResult flags = Libc.Fcntl(descriptor, F_GETFL);
        return flags.IsSuccess && (flags.IntValue & AccessModeMask) is int mode
            && (mode == O_RDWR || mode == (use == PipeUse.Read ? O_RDONLY : O_WRONLY));
    }

    /// <summary>"a regular file"; for messages.</summary>
    internal static string NameOf(in DescriptorStatus status) => status.Type switch
    {
        Libc.RegularFile => "a regular file",
        Libc.Directory => "a directory",
        Libc.BlockDevice => "a block device",
        Libc.SocketFile => "a socket that is not a connected stream",
        Libc.Fifo => "a FIFO",
        Libc.CharacterDevice => "a character device",
        _ => "of a kind that has no bytes to read or write",
    };

    /// <summary>"a terminal"; for names.</summary>
    internal static string NameOf(PipeEndKind kind) => kind switch
    {
        PipeEndKind.Pipe => "pipe",
        PipeEndKind.UnixSocket or PipeEndKind.Socket => "socket",
        PipeEndKind.Terminal => "terminal",
        _ => "device",
    };

    /// <summary>Reads and writes never wait from here on. A socket needs nothing: its calls have a flag for it (recv(2)).</summary>
    /// <exception cref="IOException">fcntl(2) failed.</exception>
    internal static void MakeNonBlocking(PipeEnd end, string what)
    {
        if (end.IsSocket || end.IsFile)
            return;
        int flags = PosixError.ThrowIfError(Libc.Fcntl(end.Descriptor, F_GETFL), $"fcntl F_GETFL of {what}");
        if ((flags & O_NONBLOCK) == 0)
            PosixError.ThrowIfError(Libc.Fcntl(end.Descriptor, F_SETFL, flags | O_NONBLOCK), $"fcntl F_SETFL of {what}");
    }

    private static bool IsMemoryDevice(in DescriptorStatus status) => status is { Major: MemoryDevices, Minor: not KernelLog };

    /// <summary>A listener is a stream too, and has no peer (getpeername(2), ENOTCONN).</summary>
    private static bool IsConnectedStream(int descriptor)
    {
        Span<byte> address = stackalloc byte[128]; // struct sockaddr_storage
        return Libc.GetSocketOption(descriptor, SO_TYPE) is { IsSuccess: true } type && type.IntValue == SOCK_STREAM
            && Libc.GetPeerName(descriptor, address).IsSuccess;
    }

    private static bool IsUnix(int descriptor) =>
        Libc.GetSocketOption(descriptor, SO_DOMAIN) is { IsSuccess: true } domain && domain.IntValue == AF_UNIX;

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
