using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

internal static unsafe partial class Libc
{
    /// <summary>execve(2): returns only if it fails. Ends all other threads; the caller's signal mask and what is pending for the process are kept.</summary>
    internal static PosixResult Execute(byte* path, byte** argv, byte** envp) =>
        Faults.IsEnabled && Faults.Fails("execve", out PosixResult fault) ? fault : Result(execve(path, argv, envp));

    [LibraryImport(Library, SetLastError = true)]
    private static partial int execve(byte* path, byte** argv, byte** envp);
}
