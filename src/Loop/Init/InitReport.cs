using System.Globalization;
using System.Runtime.InteropServices;
using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Init;

/// <summary>
/// How an init tells its app of the orphans that it has reaped: a pipe that the app inherits, and a variable with our pid and its number.
/// A record is the pid and wait(2)'s status word, two ints, written at once (pipe(7), PIPE_BUF). An app that does not read loses
/// records once the pipe is full; the init never waits.
/// </summary>
internal sealed class InitReport : IDisposable
{
    internal const string Variable = "UNIXLOOP_INIT";
    internal const int RecordBytes = 8;

    private static UnixHandle? s_fromInit;
    private readonly UnixHandle _readEnd;
    private readonly UnixHandle _writeEnd;

    private InitReport(int readEnd, int writeEnd) => (_readEnd, _writeEnd) = (new UnixHandle(readEnd), new UnixHandle(writeEnd));

    /// <summary>The app's end.</summary>
    internal int Inherited => _readEnd.Descriptor;

    /// <summary>Also where there is no report: the app must know that it has an init, or it would make one of itself again.</summary>
    internal static string ValueFor(InitReport? report) =>
        string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}:{report?.Inherited ?? -1}");

    /// <summary>Null without descriptors: then the app is not told.</summary>
    internal static InitReport? TryCreate()
    {
        if (Libc.Pipe(out int readEnd, out int writeEnd).IsError)
            return null;
        InitReport report = new(readEnd, writeEnd);
        if (Libc.Fcntl(writeEnd, F_SETFL, O_NONBLOCK).IsSuccess && Libc.Fcntl(readEnd, F_SETFL, O_NONBLOCK).IsSuccess)
            return report;
        report.Dispose();
        return null;
    }

    /// <summary>The app has it now: with no reader left but the app, its end is noticed.</summary>
    internal void CloseInherited() => _readEnd.Dispose();

    internal void Tell(int pid, int statusWord)
    {
        Span<int> record = [pid, statusWord];
        // EAGAIN: the app does not read. EPIPE (SIGPIPE is ignored): it has closed its end.
        _ = Libc.Write(_writeEnd.Descriptor, MemoryMarshal.AsBytes(record));
    }

    /// <summary>In the app, once: whether our parent is an init of ours. Takes the variables that were meant for it over to us.</summary>
    internal static bool TryTakeOver()
    {
        string[]? parts = Environment.GetEnvironmentVariable(Variable)?.Split(':');
        if (parts is not [string init, string number] || !int.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int descriptor))
            return false;
        Environment.SetEnvironmentVariable(Variable, null);
        if (init != OwnGroup.Parent().ToString(CultureInfo.InvariantCulture))
            return false;
        // What the service manager told the init as its process is meant for the app (sd_listen_fds(3), sd_watchdog_enabled(3)).
        foreach (string name in (ReadOnlySpan<string>)["LISTEN_PID", "WATCHDOG_PID"])
        {
            if (Environment.GetEnvironmentVariable(name) == init)
                Environment.SetEnvironmentVariable(name, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        if (descriptor >= 0 && Libc.Fcntl(descriptor, F_SETFD, FD_CLOEXEC).IsSuccess)
            s_fromInit = new UnixHandle(descriptor);
        return true;
    }

    /// <summary>Null without an init of ours, and for all but the first call.</summary>
    internal static UnixHandle? TakeDescriptor() => Interlocked.Exchange(ref s_fromInit, null);

    public void Dispose()
    {
        _readEnd.Dispose();
        _writeEnd.Dispose();
    }

    internal static AdoptedExit Parse(ReadOnlySpan<byte> record)
    {
        ReadOnlySpan<int> numbers = MemoryMarshal.Cast<byte, int>(record);
        return new AdoptedExit(numbers[0], ChildStatusWord.Decode(numbers[1]));
    }
}
