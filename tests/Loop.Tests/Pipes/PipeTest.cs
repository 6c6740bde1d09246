using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>A loop, and a pipe of which a pump gets one end.</summary>
public abstract class PipeTest : LoopTest
{
    internal PipeOwner Owner { get; } = new();

    /// <summary>Fills the pipe; returns how much went in.</summary>
    internal static int Fill(UnixHandle writeEnd)
    {
        int total = 0;
        for (PosixResult written; (written = Libc.Write(writeEnd.Descriptor, new byte[4096])).IsSuccess; total += written.IntValue)
        {
        }
        return total;
    }

    internal static int CapacityOf(UnixHandle pipe) => PosixError.ThrowIfError(Libc.Fcntl(pipe.Descriptor, F_GETPIPE_SZ), "fcntl");

    /// <summary>Reads a pipe that does not block until its end; waits for what is missing.</summary>
    internal static byte[] ReadToEnd(UnixHandle readEnd)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[65536];
        Eventually.True(
            () =>
            {
                while (true)
                {
                    PosixResult read = Libc.Read(readEnd.Descriptor, buffer);
                    if (read.Errno == EAGAIN)
                        return false;
                    if (read.Value == 0)
                        return true;
                    all.Write(buffer, 0, read.IntValue);
                }
            },
            "the pipe's end");
        return all.ToArray();
    }
}
