using System.Diagnostics;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>One posix_spawn(3), or call of the native helper, without its path: may be tried with several, until one succeeds.</summary>
internal unsafe ref struct SpawnCall
{
    /// <summary>A pid that no process has (PID_MAX_LIMIT is 2^22): kill(2) and waitid(2) refuse it, where 0 and -1 would mean many processes.</summary>
    internal const int UnknowablePid = int.MaxValue;

    private static readonly TimeSpan BusyPatience = TimeSpan.FromMilliseconds(100);
    private static volatile bool s_pidfdSpawnRefused;

    private readonly byte* _actions;
    private readonly byte* _attributes;
    private readonly byte** _argv;
    private readonly byte** _envp;
    private readonly SpawnFeatures _features;
    private readonly SpawnRequest* _request;

    internal SpawnCall(byte* actions, byte* attributes, scoped in SpawnStrings strings, SpawnFeatures features)
    {
        _actions = actions;
        _attributes = attributes;
        _argv = strings.Argv;
        _envp = strings.Envp;
        _features = features;
    }

    /// <summary>By the native helper.</summary>
    internal SpawnCall(SpawnRequest* request)
    {
        _features = SpawnFeatures.OfThisLibc;
        _request = request;
    }

    /// <summary>The pidfd that came with the child; -1 if none did.</summary>
    internal int Pidfd { get; private set; } = -1;

    /// <summary>Whether no other path would do better: the last try did not get as far as the exec. The C library does not tell.</summary>
    internal readonly bool FailedBeforeExec => _request != null && _request->Step != SpawnStep.Exec;

    /// <summary>
    /// Tries <paramref name="path"/>. A file that is open for writing (ETXTBSY) is tried again for 100 ms: mostly the writer is
    /// done and its descriptor lives on in another child, for the moment between that one's spawn and its exec.
    /// </summary>
    /// <returns>The pid, or the error of the step that failed; then there is no child.</returns>
    internal PosixResult Try(byte* path)
    {
        PosixResult result = SpawnOnce(path);
        if (result.Errno != ETXTBSY || FailedBeforeExec)
            return result;
        long start = Stopwatch.GetTimestamp();
        for (int pause = 1; result.Errno == ETXTBSY; pause = Math.Min(2 * pause, 16))
        {
            TimeSpan left = BusyPatience - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                break;
            _ = Libc.Poll(null, 0, Math.Min(pause, (int)Math.Ceiling(left.TotalMilliseconds)));
            result = SpawnOnce(path);
        }
        return result;
    }

    private PosixResult SpawnOnce(byte* path)
    {
        if (_request != null)
        {
            _request->Path = path;
            return SpawnHelper.Spawn(_request);
        }
        if (_features.Pidfd && !s_pidfdSpawnRefused)
        {
            PosixResult pidfd = Libc.SpawnPidfd(path, _actions, _attributes, _argv, _envp);
            if (pidfd.Errno != ENOSYS)
                return pidfd.IsError ? pidfd : PidOf(Pidfd = pidfd.IntValue);
            s_pidfdSpawnRefused = true;
        }
        return Libc.Spawn(path, _actions, _attributes, _argv, _envp);
    }

    // Fails only for a child that somebody else has reaped already; its status is still to be had through the pidfd.
    private static PosixResult PidOf(int pidfd)
    {
        PosixResult pid = Libc.PidfdGetPid(pidfd);
        return pid.IsError ? PosixResult.Success(UnknowablePid) : pid;
    }
}
