using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Injection;

// Left out everywhere: EBADF, EFAULT and EINVAL, which only a bug of the caller brings about and which no caller is meant to
// survive; and what a kind of descriptor that the library does not have would give (EIO of terminals, ENOSPC of files). EBADF
// stays where its sudden coming is survived: other code in the process may close a descriptor that is not its own.
// ECHILD and ESRCH are not made up but brought about: the child is killed and reaped by somebody else, and the call is then
// made (FaultKind.ChildStolen). An invented one would leave a zombie that nobody owns.
/// <summary>For each native function of the seam the errnos that its man page lists and that can happen to a correct caller.</summary>
internal static class DocumentedErrnos
{
    private static readonly int[] NoMemory = [ENOMEM];

    // execve(2), with fork(2)'s EAGAIN and ENOMEM, which posix_spawn(3) passes on. ETXTBSY is retried for 100 ms.
    private static readonly int[] Spawn =
    [
        E2BIG, EACCES, EAGAIN, EIO, EISDIR, ELIBBAD, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOEXEC, ENOMEM, ENOTDIR, EPERM, ETXTBSY,
    ];

    internal static IReadOnlyDictionary<string, Entry> Table { get; } = new Dictionary<string, Entry>
    {
        ["epoll_create1"] = new("epoll_create(2)", [EMFILE, ENFILE, ENOMEM]),
        ["epoll_ctl EPOLL_CTL_ADD"] = new("epoll_ctl(2)", [ENOMEM, ENOSPC, EPERM]),
        ["epoll_ctl EPOLL_CTL_MOD"] = new("epoll_ctl(2)", [ENOMEM]),
        ["epoll_ctl EPOLL_CTL_DEL"] = new("epoll_ctl(2)", [ENOMEM]),
        ["epoll_wait"] = new("epoll_wait(2)", [EINTR]) { Beyond = [EBADF] },
        ["eventfd"] = new("eventfd(2)", [EMFILE, ENFILE, ENODEV, ENOMEM]),
        ["eventfd_write"] = new("eventfd(2)", [EAGAIN, EINTR]),
        ["eventfd_read"] = new("eventfd(2)", [EAGAIN, EINTR]),
        ["read"] = new("read(2)", [EAGAIN, EINTR]) { Beyond = [EBADF], MovesBytes = true },
        ["write"] = new("write(2)", [EAGAIN, EINTR, EPIPE]) { Beyond = [EBADF], MovesBytes = true },
        ["writev"] = new("writev(2)", [EAGAIN, EINTR, EPIPE]) { Beyond = [EBADF], MovesBytes = true },
        ["sendfile"] = new("sendfile(2)", [EAGAIN, EINTR, EIO, ENOMEM]) { Beyond = [EPIPE, ECONNRESET, EINVAL, ENOSYS], MovesBytes = true },
        ["splice"] = new("splice(2)", [EAGAIN, EINTR, ENOMEM]) { Beyond = [EPIPE, ECONNRESET, EINVAL], MovesBytes = true },
        ["pread"] = new("pread(2), read(2)", [EAGAIN, EINTR, EIO]) { MovesBytes = true },
        ["preadv2"] = new("readv(2)", [EAGAIN, EOPNOTSUPP]) { Beyond = [ENOSYS, EPERM] },
        ["lseek"] = new("lseek(2)", [ESPIPE]),
        ["openat"] = new("open(2)",
            [EACCES, EDQUOT, EINTR, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTDIR, ENXIO, EOVERFLOW, EPERM, EROFS, ETXTBSY]),
        ["pipe2"] = new("pipe(2)", [EMFILE, ENFILE]),
        ["statx"] = new("statx(2)", [EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR]),
        ["access"] = new("access(2)", [EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR]),
        ["fcntl F_DUPFD_CLOEXEC"] = new("fcntl(2)", [EMFILE]),
        ["fcntl F_SETPIPE_SZ"] = new("fcntl(2)", [EBUSY, EPERM]) { Beyond = [ENOMEM] },
        ["fcntl"] = new("fcntl(2)", []) { WhyNone = "F_GETFL, F_SETFL, F_GETFD, F_SETFD and F_GETPIPE_SZ fail for a bad argument alone" },
        ["pidfd_open"] = new("pidfd_open(2)", [EMFILE, ENFILE, ENODEV, ENOMEM]) { Beyond = [ENOSYS, EPERM], MeetsTheft = true },
        ["pidfd_send_signal"] = new("pidfd_send_signal(2)", [EPERM]) { MeetsTheft = true },
        ["ioctl"] = new("ioctl_pidfd(2)", [ENOTTY]) { MeetsTheft = true },
        ["poll"] = new("poll(2)", [EINTR, ENOMEM]),
        ["kill"] = new("kill(2)", [EPERM]) { MeetsTheft = true },
        ["sigaction"] = new("sigaction(2)", []) { WhyNone = "EINVAL alone, for a signal number that does not exist" },
        ["pthread_sigmask"] = new("pthread_sigmask(3)", []) { WhyNone = "EINVAL alone, for a bad argument" },
        ["sigwaitinfo"] = new("sigwaitinfo(2)", [EINTR]) { Beyond = [ENOSYS] },
        ["getpgid"] = new("getpgid(2)", [ESRCH]),
        ["waitid"] = new("wait(2)", [EINTR]) { MeetsTheft = true },
        ["posix_spawn"] = new("posix_spawn(3), execve(2), fork(2)", Spawn),
        ["pidfd_spawn"] = new("posix_spawn(3), execve(2), fork(2)", Spawn),
        ["pidfd_getpid"] = new("pidfd_getpid(3)", []) { MeetsTheft = true },
        ["posix_spawn_file_actions_init"] = new("posix_spawn_file_actions_init(3p)", NoMemory),
        ["posix_spawn_file_actions_adddup2"] = new("posix_spawn_file_actions_adddup2(3p)", NoMemory),
        ["posix_spawn_file_actions_addclose"] = new("posix_spawn_file_actions_addclose(3p)", NoMemory),
        ["posix_spawn_file_actions_addclosefrom_np"] = new("posix_spawn_file_actions_addclose(3p)", NoMemory),
        ["posix_spawn_file_actions_addchdir_np"] = new("posix_spawn_file_actions_addclose(3p)", NoMemory),
        ["posix_spawn_file_actions_addtcsetpgrp_np"] = new("posix_spawn_file_actions_addclose(3p)", NoMemory),
        ["tcgetpgrp"] = new("tcgetpgrp(3)", [ENOTTY]),
        ["tcsetpgrp"] = new("tcsetpgrp(3)", [EIO, ENOTTY, EPERM]),
        ["posix_spawn_file_actions_addopen"] = new("posix_spawn_file_actions_addopen(3p)", NoMemory),
        ["ioctl TIOCSPTLCK"] = new("ioctl_tty(2)", [EIO]),
        ["ioctl TIOCGPTPEER"] = new("ioctl_tty(2), open(2)", [EIO, EMFILE, ENFILE, ENOMEM, ENOSPC]),
        ["ioctl TIOCSWINSZ"] = new("ioctl_tty(2)", []) { WhyNone = "ENOTTY alone, for what is no terminal" },
        ["getpwnam_r"] = new("getpwnam(3)", [EIO, EMFILE, ENFILE, ENOENT, ENOMEM]),
        ["getgrnam_r"] = new("getgrnam(3)", [EIO, EMFILE, ENFILE, ENOENT, ENOMEM]),
        ["clone3"] = new("clone(2)", [EACCES, EAGAIN, EBUSY, ENOMEM, EOPNOTSUPP]) { Beyond = [EMFILE, ENFILE, ENODEV, ENOSYS, EPERM, EROFS] },
        ["setsid"] = new("setsid(2)", []) { WhyNone = "EPERM alone, for the leader of a group, which a new process is not" },
        ["setpgid"] = new("setpgid(2)", []) { WhyNone = "a new process may always lead a group of its own" },
        ["dup3"] = new("dup(2)", [EBUSY, EMFILE]),
        ["ioctl TIOCSCTTY"] = new("ioctl_tty(2)", [EPERM]),
        ["close_range"] = new("close_range(2)", []) { WhyNone = "those of a call with flags alone", Beyond = [EPERM] },
        ["prlimit"] = new("getrlimit(2)", [EPERM]),
        ["chdir"] = new("chdir(2)", [EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR]),
        ["setgroups"] = new("getgroups(2)", [ENOMEM, EPERM]),
        ["setresgid"] = new("setresuid(2)", [EPERM]),
        ["setresuid"] = new("setresuid(2)", [EAGAIN, EPERM]),
        ["prctl"] = new("prctl(2)", []) { WhyNone = "EINVAL alone, for a bad argument", Beyond = [EPERM] },
        ["execve"] = new("execve(2)", Spawn),
        ["posix_spawnattr_init"] = new("posix_spawnattr_init(3p)", NoMemory),
        ["socket"] = new("socket(2)", [EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM]),
        ["socketpair"] = new("socketpair(2)", [EMFILE, ENFILE]),
        ["connect"] = new("connect(2), unix(7)", [EACCES, EAGAIN, ECONNREFUSED, EINTR, ENOENT, ENOMEM, ENOTDIR, EPROTOTYPE]),
        ["recv"] = new("recv(2)", [EAGAIN, ECONNRESET, EINTR, ENOMEM]) { MovesBytes = true },
        ["send"] = new("send(2)", [EAGAIN, ECONNRESET, EINTR, ENOBUFS, ENOMEM, EPIPE]) { MovesBytes = true },
        ["sendmsg with parts"] = new("send(2), unix(7)", [EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, ENOMEM, ETOOMANYREFS]),
        ["recvmsg"] = new("recv(2)", [EAGAIN, ECONNRESET, EINTR, ENOMEM]),
        ["sendmsg"] = new("send(2)", [EAGAIN, ECONNRESET, EINTR, ENOBUFS, ENOMEM, EPIPE]) { MovesBytes = true },
        ["shutdown"] = new("shutdown(2)", [ENOTCONN]),
        ["getsockname"] = new("getsockname(2)", [ENOBUFS]),
        ["getpeername"] = new("getpeername(2)", [ENOBUFS, ENOTCONN]),
        ["getsockopt"] = new("getsockopt(2)", [ENOPROTOOPT]),
        ["getsockopt SO_PEERCRED"] = new("getsockopt(2)", [ENOMEM]),
        ["getsockopt SO_PEERGROUPS"] = new("getsockopt(2)", [ENOMEM]) { Beyond = [ENOPROTOOPT] },
        ["getsockopt SO_PEERPIDFD"] = new("getsockopt(2)", [EMFILE, ENFILE, ESRCH]) { Beyond = [ENOPROTOOPT] },
        ["bind"] = new("bind(2), unix(7)", [EACCES, EADDRINUSE, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EROFS]),
        ["listen"] = new("listen(2)", [EADDRINUSE]),
        ["accept4"] = new("accept(2)", [EAGAIN, ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM]),
        ["fchmod"] = new("chmod(2)", [EIO, EPERM, EROFS]),
        ["chmod"] = new("chmod(2)", [EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS]),
        ["fchownat"] = new("chown(2)", [EACCES, EIO, ENOMEM, EPERM, EROFS]),
        ["flock"] = new("flock(2)", [EAGAIN, EINTR, ENOLCK]),
        ["flock LOCK_UN"] = new("flock(2)", [ENOLCK]),
        ["mkdirat"] = new("mkdir(2)", [EACCES, EDQUOT, EEXIST, ENAMETOOLONG, ENOENT, ENOMEM, ENOSPC, ENOTDIR, EPERM, EROFS]),
        ["unlinkat"] = new("unlink(2)", [EACCES, EBUSY, EIO, ENOENT, ENOMEM, EPERM, EROFS]),
        ["renameat2"] = new("rename(2)", [EACCES, EDQUOT, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS]) { Beyond = [ENOSYS] },
    };

    /// <summary>Everything that may happen to one call of <paramref name="function"/>.</summary>
    internal static IEnumerable<(FaultKind Kind, int Errno)> FaultsOf(string function, bool hasChild)
    {
        Entry entry = Table[function];
        foreach (int errno in entry.Listed.Concat(entry.Beyond))
            yield return (FaultKind.Fail, errno);
        if (entry.MovesBytes)
        {
            yield return (FaultKind.CutToOneByte, 0);
            yield return (FaultKind.CutToHalf, 0);
        }
        if (!hasChild)
            yield break;
        yield return (FaultKind.ChildDies, 0);
        if (entry.MeetsTheft)
            yield return (FaultKind.ChildStolen, 0);
    }

    /// <param name="Page">Where the errnos are listed.</param>
    /// <param name="Listed">Those that can happen to a correct caller.</param>
    internal sealed record Entry(string Page, int[] Listed)
    {
        /// <summary>Beyond a correct caller's: a seccomp filter's or an old kernel's refusal, lack of memory that the page forgot, another's close (EBADF).</summary>
        internal int[] Beyond { get; init; } = [];

        /// <summary>Whether a call can be cut short.</summary>
        internal bool MovesBytes { get; init; }

        /// <summary>Whether it says ECHILD or ESRCH once somebody else has reaped the child.</summary>
        internal bool MeetsTheft { get; init; }

        /// <summary>Why nothing is listed.</summary>
        internal string? WhyNone { get; init; }
    }
}
