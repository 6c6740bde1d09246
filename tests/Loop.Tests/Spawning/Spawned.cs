using System.Diagnostics;
using System.Text;
using Tmds.Linux;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>Runs children to their end without a loop or a watcher: what the spawner did, and nothing else.</summary>
internal static class Spawned
{
    /// <summary>Standard input is /dev/null and standard error ours, unless said otherwise; standard output is captured.</summary>
    internal static (string Output, int ReturnCode) Run(SubprocessStartInfo info, Stdio? input = null, Stdio? error = null, SpawnFeatures? features = null)
    {
        SpawnedChild child = Start(info, input, Stdio.Pipe, error, features);
        string output = ReadToEnd(child.OutputReadEnd!);
        return (output, Reap(child));
    }

    internal static (string Output, int ReturnCode) Shell(string script) => Run(new SubprocessStartInfo("/bin/sh", "-c", script));

    /// <summary>The lines that a child writes.</summary>
    internal static string[] Lines(SubprocessStartInfo info, Stdio? input = null, Stdio? error = null, SpawnFeatures? features = null)
    {
        (string output, int code) = Run(info, input, error, features);
        Assert.Equal(0, code);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    internal static SpawnedChild Start(SubprocessStartInfo info, Stdio? input = null, Stdio? output = null, Stdio? error = null, SpawnFeatures? features = null) =>
        Spawner.Start(info, input ?? Stdio.Null, output ?? Stdio.Null, error ?? Stdio.Inherit, logger: null, features ?? SpawnFeatures.OfThisLibc);

    private const string Without = "a test does without it";

    /// <summary>The C library at hand, without the native helper.</summary>
    internal static SpawnFeatures ThisLibc => SpawnFeatures.OfThisLibc with { HelperMissing = Without };

    /// <summary>It without its younger functions too: what rule 7's fallbacks are for.</summary>
    internal static SpawnFeatures OldLibc => new(CloseFrom: false, ChangeDirectory: true, Foreground: false, Pidfd: false) { HelperMissing = Without };

    /// <summary>What makes the child.</summary>
    public static TheoryData<string> Ways => [nameof(SpawnHelper), nameof(ThisLibc), nameof(OldLibc)];

    internal static SpawnFeatures Features(string way) => way switch
    {
        nameof(ThisLibc) => ThisLibc,
        nameof(OldLibc) => OldLibc,
        _ => SpawnFeatures.OfThisLibc,
    };

    internal static unsafe string ReadToEnd(UnixHandle pipe)
    {
        var bytes = new MemoryStream();
        byte[] buffer = new byte[4096];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TestTimeout)
        {
            PosixResult read = Libc.Read(pipe.Descriptor, buffer);
            if (read is { IsSuccess: true, IntValue: 0 } || read.Errno == EIO) // a terminal's end
            {
                pipe.Dispose();
                return Encoding.UTF8.GetString(bytes.ToArray());
            }
            if (read.IsSuccess)
            {
                bytes.Write(buffer, 0, read.IntValue);
                continue;
            }
            Assert.Equal(EAGAIN, read.Errno);
            pollfd wait = new() { fd = pipe.Descriptor, events = POLLIN };
            _ = Libc.Poll(&wait, 1, (int)TestTimeout.TotalMilliseconds); // EINTR: a SIGCHLD of another test
        }
        throw new TimeoutException("the pipe did not end");
    }

    internal static void Write(UnixHandle pipe, string text)
    {
        Assert.Equal(text.Length, Libc.Write(pipe.Descriptor, Encoding.ASCII.GetBytes(text)).IntValue);
        pipe.Dispose();
    }

    /// <summary>Waits for the end, closes what the child came with, and returns the exit code, or minus the signal.</summary>
    internal static int Reap(SpawnedChild child)
    {
        int code = WaitFor(child);
        child.Pidfd?.Dispose();
        child.Cgroup?.Dispose();
        child.Terminal?.Dispose();
        child.InputWriteEnd?.Dispose();
        child.OutputReadEnd?.Dispose();
        child.ErrorReadEnd?.Dispose();
        return code;
    }

    /// <summary>The same, and leaves open what the child came with.</summary>
    internal static unsafe int WaitFor(SpawnedChild child)
    {
        Libc.siginfo_t info = default;
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            PosixResult waited = Libc.WaitId(Libc.P_PID, child.Pid, &info, Libc.WEXITED | Libc.WNOHANG, null);
            Assert.True(waited.IsSuccess, $"waitid: {waited}");
            if (info.si_pid != 0)
                break;
            if (Stopwatch.GetElapsedTime(start) > TestTimeout)
            {
                _ = Libc.Kill(child.Pid, SIGKILL);
                Assert.Fail("the child did not end in time");
            }
            _ = Libc.Poll(null, 0, 2);
        }
        const int CLD_EXITED = 1;
        return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    }
}
