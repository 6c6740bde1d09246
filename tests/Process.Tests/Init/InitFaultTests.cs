using System.Runtime.Versioning;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Init;

/// <summary>An init whose n-th call of a native function fails: it has reaped the command's orphan and ends with the command's exit code, or with an error that names the errno, and leaves no child.</summary>
[SupportedOSPlatform("linux")]
public sealed class InitFaultTests
{
    private const int EPERM = 1, ESRCH = 3, EINTR = 4, EIO = 5, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EINVAL = 22, EMFILE = 24, ENOSYS = 38;

    public static TheoryData<string, int> Faults => new()
    {
        { "execve", EACCES },
        { "execve", ENOMEM },
        { "pthread_sigmask", EINVAL },
        { "sigwaitinfo", EINTR },
        { "sigwaitinfo", ENOSYS },
        { "waitid", EINTR },
        { "posix_spawn", EAGAIN },
        { "posix_spawn", ENOMEM },
        { "prctl", EPERM },
        { "kill", ESRCH },
        { "kill", EPERM },
        { "getpgid", ESRCH },
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
        // Taken before the SIGCHLD of the end, whose number is higher: it can't become the next init's.
        string signal = args[0] is "kill" or "getpgid" ? "kill -USR1 $PPID;" : "";
        for (int nth = 1; nth <= Math.Min(calls, 20); nth++)
        {
            FailNth plan = new(args[0], errno, nth);
            Interop.Faults.Plan = plan;
            try
            {
                // The command ends when its orphan has been reaped, and not before: a zombie is still in /proc.
                string reaped = $"(sh -c 'echo $$ > {orphan}; exit 3' &); until [ -s {orphan} ] && ! [ -e /proc/$(cat {orphan}) ]; do sleep 0.01; done;";
                int code = UnixInit.Run("sh", ["-c", $"trap : USR1; {reaped} {signal} exit 7"], new UnixInitOptions { Subreaper = true, SignalGroup = args[0] == "getpgid" });
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
        string file = Path.Combine(Path.GetTempPath(), $"stop-{Environment.ProcessId}");
        Interop.Faults.Plan = new KillBetweenLookAndTaking(file);
        try
        {
            Assert.Equal(137, UnixInit.Run("/bin/sh", ["-c", $"until [ -e {file} ]; do :; done; kill -STOP $$; exit 7"]));
        }
        finally
        {
            File.Delete(file);
        }
        await Scenario.WaitForEndAsync();
    }

    /// <summary>The command stops once the init waits for a signal. The next waitid looks at that, and the one after it takes it away: by then the command is a zombie.</summary>
    private sealed class KillBetweenLookAndTaking(string file) : IFaultPlan
    {
        private int _calls = int.MinValue;

        public int OnCall(string called, ref int byteCount)
        {
            if (called == "sigwaitinfo" && _calls < 0)
            {
                File.WriteAllText(file, "");
                WaitForState('T');
                _calls = 0;
            }
            else if (called == "waitid" && ++_calls == 2)
            {
                TestSupport.Interop.TestLibc.Kill(Child(), 9);
                WaitForState('Z');
            }
            return 0;
        }

        private static int Child() => int.Parse(string.Concat(Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText($"{task}/children"))));

        private static void WaitForState(char state)
        {
            string stat = $"/proc/{Child()}/stat";
            Eventually.True(() => File.ReadAllText(stat).Contains($") {state} ", StringComparison.Ordinal), $"the command's state is {state}");
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
