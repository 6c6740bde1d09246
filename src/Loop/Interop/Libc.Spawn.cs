using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

/// <summary>posix_spawn(3) and its two opaque objects. These functions return the error number instead of setting errno.</summary>
internal static unsafe partial class Libc
{
    /// <summary>
    /// Bytes to set aside, zeroed, for a posix_spawn_file_actions_t or a posix_spawnattr_t. glibc and musl use 80 and 336 of
    /// them on 64-bit machines; the rest is room for versions to come.
    /// </summary>
    internal const int SpawnObjectBytes = 1024;

    /// <summary>POSIX_SPAWN_SETPGROUP, POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK, POSIX_SPAWN_SETSID of &lt;spawn.h&gt;, glibc's and musl's.</summary>
    internal const short SpawnSetProcessGroup = 0x02, SpawnSetSignalDefaults = 0x04, SpawnSetSignalMask = 0x08, SpawnSetSession = 0x80;

    /// <summary>Words of a sigset_t that hold signals 1 to 64; the type itself has 128 bytes in glibc and musl.</summary>
    private const int SignalSetWords = 16;

    internal static PosixResult SpawnFileActionsInit(byte* actions) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_init", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_init(actions));

    internal static void SpawnFileActionsDestroy(byte* actions) => _ = posix_spawn_file_actions_destroy(actions);

    /// <summary>Where both numbers are equal, the child's descriptor loses close-on-exec (glibc 2.29, musl 1.1.24).</summary>
    internal static PosixResult SpawnFileActionsAddDup2(byte* actions, int source, int target) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_adddup2", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_adddup2(actions, source, target));

    /// <summary>The path is copied. glibc closes the target first, musl after: the path must not lead through it.</summary>
    internal static PosixResult SpawnFileActionsAddOpen(byte* actions, int target, string path, int flags) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_addopen", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_addopen(actions, target, path, flags, 0));

    /// <summary>Closing a number that is not open is no error in the child.</summary>
    internal static PosixResult SpawnFileActionsAddClose(byte* actions, int descriptor) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_addclose", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_addclose(actions, descriptor));

    /// <summary>Only where <see cref="SpawnFeatures.CloseFrom"/> says so.</summary>
    internal static PosixResult SpawnFileActionsAddCloseFrom(byte* actions, int first) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_addclosefrom_np", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_addclosefrom_np(actions, first));

    /// <summary>Only where <see cref="SpawnFeatures.ChangeDirectory"/> says so. The path is copied.</summary>
    internal static PosixResult SpawnFileActionsAddChdir(byte* actions, byte* path) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_addchdir_np", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_addchdir_np(actions, path));

    /// <summary>Only where <see cref="SpawnFeatures.Foreground"/> says so. The child's group gets the terminal; all signals are blocked at that moment.</summary>
    internal static PosixResult SpawnFileActionsAddTerminalGroup(byte* actions, int terminal) =>
        Faults.IsEnabled && Faults.Fails("posix_spawn_file_actions_addtcsetpgrp_np", out PosixResult fault) ? fault : ErrorNumber(posix_spawn_file_actions_addtcsetpgrp_np(actions, terminal));

    internal static PosixResult SpawnAttributesInit(byte* attributes) =>
        Faults.IsEnabled && Faults.Fails("posix_spawnattr_init", out PosixResult fault) ? fault : ErrorNumber(posix_spawnattr_init(attributes));

    internal static void SpawnAttributesDestroy(byte* attributes) => _ = posix_spawnattr_destroy(attributes);

    /// <summary>The flags say which of the other attributes count.</summary>
    internal static PosixResult SpawnAttributesSetFlags(byte* attributes, short flags) =>
        ErrorNumber(posix_spawnattr_setflags(attributes, flags));

    /// <summary>0 makes the child the leader of a new group.</summary>
    internal static PosixResult SpawnAttributesSetProcessGroup(byte* attributes, int group) =>
        ErrorNumber(posix_spawnattr_setpgroup(attributes, group));

    /// <summary>Bit n-1 stands for signal n.</summary>
    internal static PosixResult SpawnAttributesSetSignalDefaults(byte* attributes, ulong signals)
    {
        ulong* set = stackalloc ulong[SignalSetWords];
        set[0] = signals;
        return ErrorNumber(posix_spawnattr_setsigdefault(attributes, set));
    }

    /// <summary>Bit n-1 stands for signal n.</summary>
    internal static PosixResult SpawnAttributesSetSignalMask(byte* attributes, ulong signals)
    {
        ulong* set = stackalloc ulong[SignalSetWords];
        set[0] = signals;
        return ErrorNumber(posix_spawnattr_setsigmask(attributes, set));
    }

    /// <summary>posix_spawn(3): returns after the child's exec with its pid, or with the error of the step that failed; then there is no child.</summary>
    internal static PosixResult Spawn(byte* path, byte* actions, byte* attributes, byte** argv, byte** envp)
    {
        if (Faults.IsEnabled && Faults.Fails("posix_spawn", out PosixResult fault))
            return fault;
        int pid;
        int error = posix_spawn(&pid, path, actions, attributes, argv, envp);
        return error == 0 ? PosixResult.Success(pid) : PosixResult.Failure(error);
    }

    /// <summary>pidfd_spawn(3) of glibc 2.39: as <see cref="Spawn"/>, but returns a pidfd, close-on-exec, made together with the child.</summary>
    internal static PosixResult SpawnPidfd(byte* path, byte* actions, byte* attributes, byte** argv, byte** envp)
    {
        if (Faults.IsEnabled && Faults.Fails("pidfd_spawn", out PosixResult fault))
            return fault;
        int pidfd;
        int error = pidfd_spawn(&pidfd, path, actions, attributes, argv, envp);
        return error == 0 ? PosixResult.Success(pidfd) : PosixResult.Failure(error);
    }

    /// <summary>pidfd_getpid(3), there where pidfd_spawn is; ESRCH once the process has been reaped.</summary>
    internal static PosixResult PidfdGetPid(int pidfd) =>
        Faults.IsEnabled && Faults.Fails("pidfd_getpid", out PosixResult fault) ? fault : Result(pidfd_getpid(pidfd));

    private static PosixResult ErrorNumber(int error) => error == 0 ? PosixResult.Success() : PosixResult.Failure(error);

    [LibraryImport(Library)]
    private static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(Library)]
    private static partial int pidfd_spawn(int* pidfd, byte* path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(Library, SetLastError = true)]
    private static partial int pidfd_getpid(int pidfd);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_adddup2(void* actions, int source, int target);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int target, string path, int flags, uint mode);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addclose(void* actions, int descriptor);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int first);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addchdir_np(void* actions, byte* path);

    [LibraryImport(Library)]
    private static partial int posix_spawn_file_actions_addtcsetpgrp_np(void* actions, int terminal);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setpgroup(void* attributes, int group);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setsigdefault(void* attributes, ulong* signals);

    [LibraryImport(Library)]
    private static partial int posix_spawnattr_setsigmask(void* attributes, ulong* signals);
}
