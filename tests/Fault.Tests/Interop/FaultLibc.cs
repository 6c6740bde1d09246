using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Interop;

/// <summary>What the campaigns themselves need of libc; it asks no fault plan, so that nothing here is counted or fails.</summary>
internal static unsafe partial class FaultLibc
{
    private const int P_PID = 1;
    private const int WEXITED = 4;
    private const int WNOWAIT = 0x0100_0000;

    /// <summary>kill(2) with SIGKILL; a child that somebody has reaped meanwhile is as dead as one can be.</summary>
    internal static void Kill(int pid) => _ = kill(pid, SIGKILL);

    /// <summary>Waits for the child's death and leaves the zombie; returns at once if somebody has reaped it.</summary>
    internal static void WaitUntilDead(int pid)
    {
        siginfo_t info;
        while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) != 0 && Marshal.GetLastPInvokeError() == EINTR)
        {
        }
    }

    /// <summary>Waits for the child's death and takes its status.</summary>
    internal static void Reap(int pid)
    {
        siginfo_t info;
        while (waitid(P_PID, pid, &info, WEXITED) != 0 && Marshal.GetLastPInvokeError() == EINTR)
        {
        }
    }

    /// <summary>pipe2(2): close-on-exec, non-blocking.</summary>
    internal static (SafeFileHandle Read, SafeFileHandle Write) Pipe() => NewPipe(O_CLOEXEC | O_NONBLOCK);

    /// <summary>As others hand them to a program.</summary>
    internal static (SafeFileHandle Read, SafeFileHandle Write) BlockingPipe() => NewPipe(O_CLOEXEC);

    /// <summary>socketpair(2): a stream, close-on-exec, non-blocking.</summary>
    internal static (SafeFileHandle One, SafeFileHandle Other) SocketPair() => NewSocketPair(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);

    /// <summary>As others hand them to a program.</summary>
    internal static (SafeFileHandle One, SafeFileHandle Other) BlockingSocketPair() => NewSocketPair(SOCK_STREAM | SOCK_CLOEXEC);

    private static (SafeFileHandle Read, SafeFileHandle Write) NewPipe(int flags)
    {
        int* ends = stackalloc int[2];
        if (pipe2(ends, flags) != 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true)); // made here
    }

    private static (SafeFileHandle One, SafeFileHandle Other) NewSocketPair(int type)
    {
        int* ends = stackalloc int[2];
        if (socketpair(AF_UNIX, type, 0, ends) != 0)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true)); // made here
    }

    /// <summary>read(2) of one byte; -1 at EAGAIN and at the end.</summary>
    internal static int ReadByte(SafeHandle handle)
    {
        byte value;
        return read((int)handle.DangerousGetHandle(), &value, 1) == 1 ? value : -1;
    }

    /// <summary>read(2) to the end of what does not block, waiting for what is missing; what came before an error or an end.</summary>
    internal static byte[] ReadToEnd(SafeHandle handle)
    {
        var all = new MemoryStream();
        byte[] block = new byte[65536];
        int count = 0;
        while (Eventually.TryWait(() => (count = ReadBlock(handle, block)) >= 0, Campaigns.Campaign.Bound) && count > 0)
            all.Write(block, 0, count);
        return all.ToArray();
    }

    /// <returns>-1 at EAGAIN; an error is an end.</returns>
    private static int ReadBlock(SafeHandle handle, byte[] block)
    {
        fixed (byte* b = block)
        {
            nint count = read((int)handle.DangerousGetHandle(), b, (nuint)block.Length);
            return count >= 0 ? (int)count : Marshal.GetLastPInvokeError() == EAGAIN ? -1 : 0;
        }
    }

    /// <summary>write(2) of one byte.</summary>
    internal static void WriteByte(SafeHandle handle, byte value)
    {
        if (write((int)handle.DangerousGetHandle(), &value, 1) != 1)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int idType, int id, siginfo_t* info, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, void* buffer, nuint count);
}
