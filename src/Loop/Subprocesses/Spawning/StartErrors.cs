using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>The exceptions of a start: "ENOENT: can't start 'x': …", each with what it is about.</summary>
internal static class StartErrors
{
    private static readonly string[] StreamNames = ["standard input", "standard output", "standard error"];

    internal static SubprocessStartException Create(SubprocessStartInfo info, SubprocessStartError reason, int errno, string detail)
    {
        string name = PosixError.Name(errno);
        return new SubprocessStartException($"{name}: can't start '{info.FileName}': {detail}", reason, info.FileName, name, errno);
    }

    /// <summary>A stream's pipe or file could not be opened.</summary>
    /// <param name="info">What was to be started.</param>
    /// <param name="target">0, 1 or 2.</param>
    /// <param name="what">"pipe", "/dev/null", "'path'".</param>
    /// <param name="errno">Why.</param>
    internal static SubprocessStartException Stream(SubprocessStartInfo info, int target, string what, int errno) =>
        errno == EMFILE || errno == ENFILE
            ? NoDescriptors(info, errno, $"{StreamNames[target]} ({what})")
            : Create(info, SubprocessStartError.Other, errno, $"can't open {StreamNames[target]} ({what}): {PosixError.Message(errno)}");

    /// <summary>The child ran already, but one of its pipes could not be registered (epoll_ctl(2): ENOMEM, ENOSPC).</summary>
    internal static SubprocessStartException NotWatched(SubprocessStartInfo info, IOException error) =>
        Create(info, SubprocessStartError.Other, error.HResult, $"a pipe to it can't be watched: {PosixError.Message(error.HResult)}{(error.HResult == ENOSPC ? " (fs.epoll.max_user_watches)" : "")}");

    /// <summary>Our descriptor <paramref name="source"/> could not be duplicated for the child's <paramref name="target"/>.</summary>
    internal static SubprocessStartException Descriptor(SubprocessStartInfo info, int target, int source, int errno)
    {
        if (errno == EBADF)
            return Create(info, SubprocessStartError.Other, errno, $"our descriptor {source}, which was to be the child's {target}, is not open");
        // fcntl(2): EINVAL if the lowest number asked for is at or above RLIMIT_NOFILE.
        if (errno == EMFILE || errno == EINVAL)
            return NoDescriptors(info, EMFILE, $"a copy of {source} on its way to the child's {target}");
        return Create(info, SubprocessStartError.Other, errno, $"can't duplicate descriptor {source} for the child's {target}: {PosixError.Message(errno)}");
    }

    /// <summary>For EBADF: the first descriptor of ours that is not open; null if all are.</summary>
    internal static SubprocessStartException? NotOpen(SubprocessStartInfo info, ChildDescriptors descriptors)
    {
        foreach ((int target, int source) in descriptors.Moves)
        {
            if (source != DescriptorMove.Closed && Libc.Fcntl(source, F_GETFD).Errno == EBADF)
                return Descriptor(info, target, source, EBADF);
        }
        return null;
    }

    /// <summary>The spawn could not be prepared.</summary>
    internal static SubprocessStartException Preparation(SubprocessStartInfo info, ChildDescriptors descriptors, SpawnFeatures features, int errno)
    {
        // posix_spawn_file_actions_adddup2(3) refuses what is not below RLIMIT_NOFILE, whether source or target.
        if (errno == EBADF)
        {
            return NotOpen(info, descriptors)
                ?? Create(info, SubprocessStartError.NoDescriptors, errno, $"the child's descriptor {descriptors.HighestTarget} is not below RLIMIT_NOFILE ({LimitText(Libc.RLIMIT_NOFILE)})");
        }
        if (errno == ENOMEM)
            return NoProcesses(info, errno);
        if (!features.CloseFrom && (errno == ENOENT || errno == EACCES))
            return Create(info, SubprocessStartError.Other, errno, "can't tell which descriptors to close: this C library has no posix_spawn_file_actions_addclosefrom_np, and /proc/self/fd can't be read");
        return Create(info, SubprocessStartError.Other, errno, PosixError.Message(errno));
    }

    internal static SubprocessStartException NoDescriptors(SubprocessStartInfo info, int errno, string purpose) =>
        Create(info, SubprocessStartError.NoDescriptors, errno, errno == ENFILE
            ? $"the system has no descriptor left for {purpose} (fs.file-max)"
            : $"this process has no descriptor left for {purpose}: RLIMIT_NOFILE is {LimitText(Libc.RLIMIT_NOFILE)}");

    internal static SubprocessStartException NoProcesses(SubprocessStartInfo info, int errno) =>
        Create(info, SubprocessStartError.NoProcesses, errno, errno == ENOMEM
            ? "there is no memory for a further process"
            : $"no further process may be made: the user's RLIMIT_NPROC ({LimitText(Libc.RLIMIT_NPROC)}) or the control group's pids.max is reached");

    private static string LimitText(int resource) => Libc.SoftLimit(resource)?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unlimited";
}
