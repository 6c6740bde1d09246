using System.Runtime.Versioning;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Init;

/// <summary>An init whose n-th call of a native function fails: it has reaped the command's orphan and ends with the command's exit code, or with an error that names the errno, and leaves no child.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitFaultTests
{
    private const int EPERM = 1, ESRCH = 3, EINTR = 4, EIO = 5, EAGAIN = 11, ENOMEM = 12, EMFILE = 24;

    public static TheoryData<string, int> Faults => new()
    {
        { "waitid", EINTR },
        { "posix_spawn", EAGAIN },
        { "posix_spawn", ENOMEM },
        { "prctl", EPERM },
        { "kill", ESRCH },
        { "kill", EPERM },
        { "sigaction", EIO },
        { "tcgetpgrp", EIO },
        { "pipe2", EMFILE },
        { "fcntl", EAGAIN },
    };

    [Theory, MemberData(nameof(Faults))]
    public async Task Rule16_NthCallFails_EndsWellOrByName(string function, int errno)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(FailAsync, [function, $"{errno}"]);
        await scenario.EndWellAsync();
    }

    internal static async Task FailAsync(string[] args)
    {
        AppContext.SetSwitch("UnixLoop.FaultInjection", true);
        int errno = int.Parse(args[1]);
        int calls = int.MaxValue;
        string orphan = Path.Combine(Path.GetTempPath(), $"orphan-{Environment.ProcessId}");
        // Handled within that time: a late one would be the next init's.
        string signal = args[0] == "kill" ? "kill -USR1 $PPID; sleep 0.2;" : "";
        for (int nth = 1; nth <= Math.Min(calls, 20); nth++)
        {
            FailNth plan = new(args[0], errno, nth);
            Interop.Faults.Plan = plan;
            try
            {
                // The command ends when its orphan has been reaped, and not before: a zombie is still in /proc.
                string reaped = $"(sh -c 'echo $$ > {orphan}; exit 3' &); until [ -s {orphan} ] && ! [ -e /proc/$(cat {orphan}) ]; do sleep 0.01; done;";
                int code = UnixInit.Run("sh", ["-c", $"trap : USR1; {reaped} {signal} exit 7"], new UnixInitOptions { Subreaper = true });
                Assert.Equal(7, code);
            }
            catch (IOException refused)
            {
                Assert.True(plan.HasFailed);
                Assert.Equal(errno, refused.HResult);
            }
            finally
            {
                Interop.Faults.Plan = null;
                File.Delete(orphan);
            }
            if (!plan.HasFailed)
                calls = nth;
            Assert.Equal("", string.Concat(Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText($"{task}/children"))));
        }
        await Scenario.WaitForEndAsync();
    }

    [Fact]
    public async Task Stopped_KilledBeforeTheStopIsTakenAway_EndIsPassedOn()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(KillStoppedAsync);
        await scenario.EndWellAsync();
    }

    internal static async Task KillStoppedAsync(string[] args)
    {
        AppContext.SetSwitch("UnixLoop.FaultInjection", true);
        Interop.Faults.Plan = new KillAtSecondWait();
        Assert.Equal(137, UnixInit.Run("/bin/sh", ["-c", "kill -STOP $$; exit 7"]));
        await Scenario.WaitForEndAsync();
    }

    /// <summary>The first call of an init looks at the stop, the second takes it away: by then the command is a zombie.</summary>
    private sealed class KillAtSecondWait : IFaultPlan
    {
        private int _calls;

        public int OnCall(string called, ref int byteCount)
        {
            if (called == "waitid" && Interlocked.Increment(ref _calls) == 2)
            {
                int child = int.Parse(string.Concat(Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText($"{task}/children"))));
                TestSupport.Interop.TestLibc.Kill(child, 9);
                Eventually.True(() => File.ReadAllText($"/proc/{child}/stat").Contains(") Z ", StringComparison.Ordinal), "the command is a zombie");
            }
            return 0;
        }
    }

    private sealed class FailNth(string function, int errno, int nth) : IFaultPlan
    {
        private int _calls;

        internal bool HasFailed { get; private set; }

        public int OnCall(string called, ref int byteCount)
        {
            if (called != function || Interlocked.Increment(ref _calls) != nth)
                return 0;
            HasFailed = true;
            return errno;
        }
    }
}
