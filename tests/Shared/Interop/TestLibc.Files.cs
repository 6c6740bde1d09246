using System.Runtime.InteropServices;
using System.Text;

namespace UnixLoop.TestSupport.Interop;

/// <summary>/proc by the fewest calls: the leak check looks there before and after each of thousands of runs.</summary>
internal static unsafe partial class TestLibc
{
    private const int O_RDONLY_CLOEXEC = 0x80000; // asm-generic/fcntl.h
    private const int ECHILD = 10;

    /// <summary>A whole file; empty if it can't be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="buffer">Where it comes to stand; a larger one if it needs that.</param>
    internal static ReadOnlySpan<byte> ReadFile(string path, ref byte[] buffer)
    {
        int descriptor = open(path, O_RDONLY_CLOEXEC);
        if (descriptor < 0)
            return [];
        int length = 0;
        nint count;
        do
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, 2 * length);
            fixed (byte* free = &buffer[length])
                count = read(descriptor, free, buffer.Length - length);
            length += (int)Math.Max(count, 0);
        }
        while (count > 0);
        _ = close(descriptor);
        return buffer.AsSpan(0, length);
    }

    /// <summary>The names in a directory, "." and ".." left out; none if it can't be read. The directory's own descriptor is closed by then.</summary>
    internal static List<string> ListDirectory(string path)
    {
        const int nameOffset = 19, lengthOffset = 16; // getdents64(2)
        List<string> names = [];
        int descriptor = open(path, O_RDONLY_CLOEXEC);
        if (descriptor < 0)
            return names;
        byte* entries = stackalloc byte[16 * 1024];
        for (nint count; (count = getdents64(descriptor, entries, 16 * 1024)) > 0;)
        {
            for (nint at = 0; at < count; at += *(ushort*)(entries + at + lengthOffset))
            {
                string name = Marshal.PtrToStringUTF8((nint)(entries + at + nameOffset))!;
                if (name is not ("." or ".."))
                    names.Add(name);
            }
        }
        _ = close(descriptor);
        return names;
    }

    /// <summary>readlink(2); null if there is none.</summary>
    internal static string? ReadLink(string path)
    {
        const int PATH_MAX = 4096;
        byte* target = stackalloc byte[PATH_MAX];
        nint length = readlink(path, target, PATH_MAX);
        return length < 0 ? null : Encoding.UTF8.GetString(target, (int)length);
    }

    /// <summary>Whether this process has a child, be it dead: waitid(2), which takes none here.</summary>
    internal static bool HasChildren()
    {
        const int P_ALL = 0, WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x1000000, __WALL = 0x40000000;
        byte* info = stackalloc byte[128];
        return waitid(P_ALL, 0, info, WNOHANG | WEXITED | WNOWAIT | __WALL) == 0 || Marshal.GetLastPInvokeError() != ECHILD;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc")]
    private static partial nint read(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc")]
    private static partial nint getdents64(int descriptor, byte* entries, nint size);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint readlink(string path, byte* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int type, int id, byte* info, int options);
}
