using System.Globalization;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>
/// How many pipes may be grown at a time (linux.md, rule 13): past the soft limit of a user's pipe pages, every further pipe
/// of that user, in every container, gets 8 KiB. Thread-safe.
/// </summary>
internal sealed class PipeBudget
{
    private const string SoftLimitFile = "/proc/sys/fs/pipe-user-pages-soft";
    private const int DefaultSoftLimit = 16 * 1024;
    private const int BytesPerPage = 4096;
    private const int PagesPerPipe = PipeDefaults.GrownCapacity / BytesPerPage;

    private int _pagesLeft;
    private volatile bool _refused;

    internal PipeBudget(int pages) => _pagesLeft = pages;

    /// <summary>A quarter of the soft limit.</summary>
    internal static PipeBudget Shared { get; } = new(ReadSoftLimit() / 4);

    internal int PagesLeft => Volatile.Read(ref _pagesLeft);

    /// <summary>Grows the pipe if the budget and the kernel allow it; <see cref="Return"/> is due when it did.</summary>
    internal bool TryGrow(int pipe)
    {
        if (_refused)
            return false;
        if (Interlocked.Add(ref _pagesLeft, -PagesPerPipe) >= 0)
        {
            PosixResult grown = Libc.Fcntl(pipe, F_SETPIPE_SZ, PipeDefaults.GrownCapacity);
            if (grown.IsSuccess)
                return true;
            // Other programs of this user have used up the soft limit: trying again would fail for as long as they live.
            _refused |= grown.Errno == EPERM;
        }
        Return();
        return false;
    }

    internal void Return() => Interlocked.Add(ref _pagesLeft, PagesPerPipe);

    private static int ReadSoftLimit()
    {
        try
        {
            // 0 is "no limit" (proc(5)).
            int pages = int.Parse(File.ReadAllText(SoftLimitFile), CultureInfo.InvariantCulture);
            return pages == 0 ? DefaultSoftLimit : pages;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            return DefaultSoftLimit;
        }
    }
}
