using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace UnixLoop.Interop;

/// <summary>The signals that this process ignored when it began (nohup(1) and the like), before the runtime or an app changed anything.</summary>
internal static class StartupSignals
{
    /// <summary>SIGPIPE, which the runtime ignores for itself, and glibc's own two, which its posix_spawn leaves ignored in children.</summary>
    private const ulong NeverAChoice = 1UL << (13 - 1) | 1UL << (32 - 1) | 1UL << (33 - 1);

    /// <summary>Bit n-1 stands for signal n. SIGPIPE and the C library's own signals 32 and 33 never stand in it.</summary>
    internal static ulong Ignored { get; private set; }

    // Loading the assembly is the earliest moment that a library gets: later a SIGCHLD handler of the runtime may hide what was
    // ignored. A class initialiser would run at the first spawn.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "Later is too late; see above.")]
    internal static void Read()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            Ignored = Parse(File.ReadLines("/proc/self/status"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /proc nothing counts as ignored: children then begin with every signal at its default.
        }
    }

    /// <summary>Takes the SigIgn line of /proc/pid/status (proc_pid_status(5)), a hexadecimal mask.</summary>
    internal static ulong Parse(IEnumerable<string> status)
    {
        const string Key = "SigIgn:";
        string? line = status.FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal));
        return line is not null && ulong.TryParse(line.AsSpan(Key.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
            ? mask & ~NeverAChoice
            : 0;
    }
}
