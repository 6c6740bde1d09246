using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests;

/// <summary>What a start by posix_spawn(3) says and remembers when the system refuses; the campaigns see that nothing is left behind.</summary>
public sealed class StartFaultTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public StartFaultTests()
    {
        RememberedRefusals.Forget();
        RememberedRefusals.UseHelper(false);
    }

    public static TheoryData<int, string> NeverHere => new() { { ENOSYS, "an old kernel" }, { EPERM, "a seccomp filter" } };

    public static TheoryData<int> NotThisTime => [EMFILE, ENFILE, ENOMEM, ESRCH];

    [Theory, MemberData(nameof(NeverHere))]
    public void Rule07_PidfdRefusedForGood_ChildIsHandedOnAndItIsNotAskedAgain(int errno, string why)
    {
        Assert.NotEmpty(why);
        using FaultScope fault = FaultScope.Fail("pidfd_open", errno);
        for (int i = 0; i < 3; i++)
            AssertStartsWithoutPidfd(errno); // the fault comes once
    }

    [Theory, MemberData(nameof(NotThisTime))]
    public void Rule07_PidfdRefusedOnce_ChildIsHandedOnAndTheNextHasOne(int errno)
    {
        using FaultScope fault = FaultScope.Fail("pidfd_open", errno);
        AssertStartsWithoutPidfd(errno);
        AssertStartsWithPidfd();
    }

    [Fact]
    public void Rule07_PidfdOfSomebodyElse_IsClosedAndNotHandedOn()
    {
        // Another part of the process reaped the child, and its number is a stranger's by now.
        using FaultScope fault = FaultScope.Fail("waitid", ECHILD);
        AssertStartsWithoutPidfd(ECHILD);
        AssertStartsWithPidfd();
    }

    [Fact]
    public void Rule07_KernelWithoutWaitingOnPidfds_CountsAsOneWithoutThem()
    {
        using FaultScope fault = FaultScope.Fail("waitid", EINVAL);
        AssertStartsWithoutPidfd(ENOSYS);
        AssertStartsWithoutPidfd(ENOSYS);
    }

    [Fact]
    public void Start_ProcessLimit_NamesBothThatItCanBe()
    {
        SubprocessStartException e = Fails("posix_spawn", EAGAIN);
        Assert.Equal(SubprocessStartError.NoProcesses, e.Reason);
        Assert.StartsWith("EAGAIN: can't start 'true': no further process may be made: the user's RLIMIT_NPROC (", e.Message, StringComparison.Ordinal);
        Assert.EndsWith(") or the control group's pids.max is reached", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_NoMemory_IsNoProcesses()
    {
        SubprocessStartException e = Fails("posix_spawn", ENOMEM);
        Assert.Equal((SubprocessStartError.NoProcesses, "ENOMEM: can't start 'true': there is no memory for a further process"), (e.Reason, e.Message));
    }

    [Fact]
    public void Start_SystemsTableFull_IsNoDescriptors()
    {
        SubprocessStartException e = Fails("pipe2", ENFILE);
        Assert.Equal((SubprocessStartError.NoDescriptors, "ENFILE: can't start 'true': the system has no descriptor left for standard output (pipe) (fs.file-max)"), (e.Reason, e.Message));
    }

    [Fact]
    public void Rule10_FileBusyOnce_IsTriedAgain()
    {
        using FaultScope fault = FaultScope.Fail("posix_spawn", ETXTBSY);
        AssertStartsWithPidfd();
        Assert.NotNull(fault.Plan.ReachedAt);
    }

    [Theory]
    [InlineData("EPERM")] // above the user's limits
    [InlineData("EBUSY")]
    public void PipeCapacity_Refused_KeepsTheDefaultAndIsLogged(string error)
    {
        using EventLog log = new();
        using FaultScope fault = FaultScope.Fail("fcntl F_SETPIPE_SZ", error == "EPERM" ? EPERM : EBUSY);
        SpawnedChild child = Spawner.Start(new("true") { PipeCapacity = 131_072 }, Stdio.Null, Stdio.Pipe, Stdio.Inherit, log);
        Assert.Equal(65_536, Libc.Fcntl(child.OutputReadEnd!.Descriptor, F_GETPIPE_SZ).IntValue);
        Assert.Equal(0, Spawned.Reap(child));
        Assert.Contains($"PipeCapacityRefused: The pipe keeps its size: 131072 bytes were refused ({error})", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Start_ProgramGoneBetweenSearchAndSpawn_IsNotFoundOrInterpreter()
    {
        // The file is there when asked before and after: only "not found" can be said of it.
        SubprocessStartException e = Fails("posix_spawn", ENOENT, "/bin/true");
        Assert.Equal(SubprocessStartError.NotFound, e.Reason);
        Assert.StartsWith("ENOENT: can't start '/bin/true': '/bin/true': ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_RefusedWithoutAVisibleReason_NamesWhatRemains()
    {
        SubprocessStartException e = Fails("posix_spawn", EACCES, "/bin/true");
        Assert.Equal(SubprocessStartError.NotExecutable, e.Reason);
        Assert.Equal("EACCES: can't start '/bin/true': '/bin/true' may not be executed: its file system is mounted noexec, or a security module refuses", e.Message);
    }

    public void Dispose()
    {
        RememberedRefusals.Forget();
        _leaks.Dispose();
    }

    private static void AssertStartsWithoutPidfd(int errno)
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true"));
        Assert.Null(child.Pidfd);
        Assert.Equal(errno, child.PidfdErrno);
        Assert.Equal(0, Spawned.Reap(child));
    }

    private static void AssertStartsWithPidfd()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true"));
        Assert.NotNull(child.Pidfd);
        Assert.Equal(0, child.PidfdErrno);
        Assert.Equal(0, Spawned.Reap(child));
    }

    private static SubprocessStartException Fails(string function, int errno, string program = "true")
    {
        using FaultScope fault = FaultScope.Fail(function, errno);
        return Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo(program), output: Stdio.Pipe));
    }
}
