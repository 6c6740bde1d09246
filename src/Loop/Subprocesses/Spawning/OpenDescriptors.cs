using System.Globalization;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>Lists this process's descriptors from /proc/self/fd; a snapshot, taken only where the C library can't close them by range.</summary>
internal static class OpenDescriptors
{
    /// <summary>Those from <paramref name="lowest"/> on that an exec would hand on; ENOENT or EACCES where /proc can't be read.</summary>
    internal static PosixResult WithoutCloseOnExec(int lowest, out List<int> descriptors)
    {
        descriptors = [];
        try
        {
            foreach (string link in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
            {
                int descriptor = int.Parse(Path.GetFileName(link.AsSpan()), CultureInfo.InvariantCulture);
                if (descriptor < lowest)
                    continue;
                PosixResult flags = Libc.Fcntl(descriptor, F_GETFD);
                if (flags.IsSuccess && (flags.IntValue & FD_CLOEXEC) == 0)
                    descriptors.Add(descriptor);
            }
            return PosixResult.Success();
        }
        catch (IOException)
        {
            return PosixResult.Failure(ENOENT);
        }
        catch (UnauthorizedAccessException)
        {
            return PosixResult.Failure(EACCES);
        }
    }
}
