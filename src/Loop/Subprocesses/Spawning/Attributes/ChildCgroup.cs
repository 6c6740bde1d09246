using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>The control group that a child is born in: an open directory of cgroup2, which stays the same whatever is done to its path.</summary>
internal sealed class ChildCgroup : IDisposable
{
    private readonly UnixHandle _directory;

    private ChildCgroup(UnixHandle directory, bool wasEmpty)
    {
        _directory = directory;
        WasEmpty = wasEmpty;
    }

    /// <summary>Whether no process was in it, or below it: all that will be there then belongs to the child, and may be killed with it.</summary>
    internal bool WasEmpty { get; }

    internal int Descriptor => _directory.Descriptor;

    internal static ChildCgroup Open(SubprocessStartInfo info, string path)
    {
        PosixResult opened = Libc.Open(path, O_RDONLY | O_DIRECTORY);
        if (opened.IsError)
            throw AttributeErrors.Create(info, nameof(SubprocessAttributes.Cgroup), opened.Errno, $"can't open the directory '{path}': {PosixError.Message(opened.Errno)}");
        UnixHandle directory = new(opened.IntValue);
        return new ChildCgroup(directory, IsEmpty(directory));
    }

    /// <summary>Kills all that is in it, and below it (Linux 5.14).</summary>
    internal PosixResult Kill() => Write(_directory, "cgroup.kill", "1"u8);

    public void Dispose() => _directory.Dispose();

    // cgroup.events says "populated 0" or "populated 1", in any line.
    private static bool IsEmpty(UnixHandle directory)
    {
        PosixResult opened = Libc.OpenAt(directory.Descriptor, "cgroup.events", O_RDONLY);
        if (opened.IsError)
            return false;
        using UnixHandle events = new(opened.IntValue);
        Span<byte> text = stackalloc byte[256];
        PosixResult read = Libc.Read(events.Descriptor, text);
        return read.IsSuccess && text[..read.IntValue].IndexOf("populated 0"u8) >= 0;
    }

    private static PosixResult Write(UnixHandle directory, string file, ReadOnlySpan<byte> text)
    {
        PosixResult opened = Libc.OpenAt(directory.Descriptor, file, O_WRONLY);
        if (opened.IsError)
            return opened;
        PosixResult written = Libc.Write(opened.IntValue, text);
        _ = Libc.Close(opened.IntValue);
        return written;
    }
}
