using System.Runtime.InteropServices;

namespace UnixLoop.Interop;

/// <summary>The native helper, native/spawn.c: its one function, and whether it is there.</summary>
internal static unsafe partial class SpawnHelper
{
    private const string Library = "unixloop_spawn";
    private const uint Version = 2;

    /// <summary>close_range(2), the youngest call that it can't do without.</summary>
    private static readonly Version s_oldestKernel = new(5, 9);

    /// <summary>Before it close_range(2) with CLOSE_RANGE_UNSHARE leaves a wrong bitmap of descriptors behind (CVE-2024-45025), but for backports.</summary>
    private static readonly SpawnFlags s_tableFlag = Environment.OSVersion.Version >= new Version(6, 11) ? SpawnFlags.CopiesTable : 0;

    /// <summary>Why this process can't use it, as the end of a sentence; null where it can.</summary>
    internal static string? Missing { get; } = FindMissing();

    /// <summary>
    /// Starts the child that <paramref name="request"/> describes: returns after its exec with the pid, and with a pidfd in
    /// the request; or with the errno of the step that the request then names, and there is no child.
    /// </summary>
    internal static PosixResult Spawn(SpawnRequest* request)
    {
        request->Size = (uint)sizeof(SpawnRequest);
        request->Version = Version;
        request->Flags |= s_tableFlag;
        if (Faults.IsEnabled && FailsAtAStep(request, out PosixResult fault))
            return fault;
        nint pid = unixloop_spawn(request);
        return pid < 0 ? PosixResult.Failure((int)-pid) : PosixResult.Success(pid);
    }

    private static string? FindMissing()
    {
        if (Environment.OSVersion.Version < s_oldestKernel)
            return $"the native helper needs Linux {s_oldestKernel}, this is {Environment.OSVersion.Version}";
        try
        {
            long version = unixloop_spawn(null);
            return version == Version ? null : $"the native helper that was found has version {version}, and {Version} is needed";
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return $"there is no native helper (lib{Library}.so) for {RuntimeInformation.RuntimeIdentifier}; the package has it for linux-x64 and linux-arm64, a build from source needs a C compiler";
        }
    }

    [LibraryImport(Library)]
    private static partial nint unixloop_spawn(SpawnRequest* request);
}
