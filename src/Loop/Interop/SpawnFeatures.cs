using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

/// <summary>Which of posix_spawn(3)'s younger companions the C library has (linux.md, rule 7).</summary>
/// <param name="CloseFrom">posix_spawn_file_actions_addclosefrom_np: glibc 2.34.</param>
/// <param name="ChangeDirectory">posix_spawn_file_actions_addchdir_np: glibc 2.29, musl 1.1.24.</param>
/// <param name="Foreground">posix_spawn_file_actions_addtcsetpgrp_np: glibc 2.35.</param>
/// <param name="Pidfd">pidfd_spawn and pidfd_getpid: glibc 2.39.</param>
internal sealed record SpawnFeatures(bool CloseFrom, bool ChangeDirectory, bool Foreground, bool Pidfd)
{
    private readonly string? _helperMissing;

    /// <summary>Why the native helper can't be used; null where it can.</summary>
    internal string? HelperMissing
    {
        get => _helperMissing ?? SpawnHelper.Missing; // looked for when it is first needed
        init => _helperMissing = value;
    }

    /// <summary>This process's C library, asked once. The main program's handle searches every library that is loaded, whatever libc's file is called.</summary>
    internal static SpawnFeatures OfThisLibc { get; } = new(
        Exports("posix_spawn_file_actions_addclosefrom_np"),
        Exports("posix_spawn_file_actions_addchdir_np"),
        Exports("posix_spawn_file_actions_addtcsetpgrp_np"),
        Exports("pidfd_spawn") && Exports("pidfd_getpid"));

    private static bool Exports(string function) => NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), function, out _);
}
