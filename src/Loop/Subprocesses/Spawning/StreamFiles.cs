using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Opens what a standard stream is connected to, close-on-exec, and never at the numbers 0 to 2: in a process that began
/// without one of them, its own output would go there.
/// </summary>
internal static class StreamFiles
{
    private const int LowestOwn = 3;

    /// <summary>Read and write for everybody, less the umask: what shells give.</summary>
    private const uint NewFileMode = 0x1B6; // 0666

    internal static PosixResult Open(Stdio stream, bool forReading)
    {
        string path = stream.Kind == StdioKind.Null ? "/dev/null" : stream.Path!;
        if (forReading)
            return Lift(Libc.Open(path, O_RDONLY));
        if (stream.Kind == StdioKind.Null)
            return Lift(Libc.Open(path, O_WRONLY));
        return Lift(Libc.Open(path, O_WRONLY | O_CREAT | (stream.Append ? O_APPEND : O_TRUNC), NewFileMode));
    }

    /// <summary>The child's end blocks, ours does not: the flag belongs to each end's own description.</summary>
    internal static PosixResult OpenPipe(bool childReads, out int childEnd, out UnixHandle? ourEnd)
    {
        (childEnd, ourEnd) = (-1, null);
        PosixResult opened = Libc.Pipe(out int readEnd, out int writeEnd);
        if (opened.IsError)
            return opened;

        PosixResult child = Lift(PosixResult.Success(childReads ? readEnd : writeEnd));
        PosixResult ours = Lift(PosixResult.Success(childReads ? writeEnd : readEnd));
        PosixResult result = child.IsError ? child : ours.IsError ? ours : Libc.Fcntl(ours.IntValue, F_SETFL, O_NONBLOCK);
        if (result.IsSuccess)
        {
            (childEnd, ourEnd) = (child.IntValue, new UnixHandle(ours.IntValue));
            return result;
        }
        if (child.IsSuccess)
            _ = Libc.Close(child.IntValue);
        if (ours.IsSuccess)
            _ = Libc.Close(ours.IntValue);
        return result;
    }

    /// <summary>A pipe for two children: both ends block.</summary>
    internal static PosixResult OpenJoint(out UnixHandle? readEnd, out UnixHandle? writeEnd)
    {
        (readEnd, writeEnd) = (null, null);
        PosixResult opened = Libc.Pipe(out int readNumber, out int writeNumber);
        if (opened.IsError)
            return opened;

        PosixResult reading = Lift(PosixResult.Success(readNumber));
        PosixResult writing = Lift(PosixResult.Success(writeNumber));
        readEnd = reading.IsSuccess ? new UnixHandle(reading.IntValue) : null;
        writeEnd = writing.IsSuccess ? new UnixHandle(writing.IntValue) : null;
        if (readEnd is not null && writeEnd is not null)
            return PosixResult.Success();
        readEnd?.Dispose();
        writeEnd?.Dispose();
        return reading.IsError ? reading : writing;
    }

    /// <summary>Our side of a new pseudo-terminal (pts(4)), non-blocking.</summary>
    internal static PosixResult OpenMaster() => Lift(Libc.Open("/dev/ptmx", O_RDWR | O_NONBLOCK));

    internal static string Describe(Stdio stream) => stream.Kind == StdioKind.Null ? "/dev/null" : $"'{stream.Path}'";

    /// <summary>Takes over <paramref name="opened"/> and answers with a number above the standard streams.</summary>
    internal static PosixResult Lift(PosixResult opened)
    {
        if (opened.IsError || opened.IntValue >= LowestOwn)
            return opened;
        PosixResult copy = Libc.Fcntl(opened.IntValue, F_DUPFD_CLOEXEC, LowestOwn);
        _ = Libc.Close(opened.IntValue);
        return copy;
    }
}
