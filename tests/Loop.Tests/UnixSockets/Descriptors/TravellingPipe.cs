using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Descriptors;

/// <summary>A pipe whose ends travel: its read end sees the end of file exactly when every copy of the write end is closed.</summary>
internal sealed class TravellingPipe : IDisposable
{
    internal TravellingPipe() => (Read, Write) = LoopTest.NewPipe();

    internal UnixHandle Read { get; }

    internal UnixHandle Write { get; }

    /// <summary>Whether no write end is open anywhere, in a queue of the kernel's included.</summary>
    internal bool HasNoWriter()
    {
        PosixResult read = Libc.Read(Read.Descriptor, new byte[1]);
        return read.IsSuccess && read.Value == 0;
    }

    internal static bool IsCloseOnExec(SafeHandle handle) =>
        (PosixError.ThrowIfError(Libc.Fcntl((int)handle.DangerousGetHandle(), F_GETFD), "fcntl") & FD_CLOEXEC) != 0;

    internal static void WriteByte(SafeHandle handle, byte value) =>
        PosixError.ThrowIfError(Libc.Write((int)handle.DangerousGetHandle(), [value]), "write");

    internal int ReadByte()
    {
        byte[] one = new byte[1];
        return PosixError.ThrowIfError(Libc.Read(Read.Descriptor, one), "read") == 1 ? one[0] : -1;
    }

    public void Dispose()
    {
        Read.Dispose();
        Write.Dispose();
    }
}
