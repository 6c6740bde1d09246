using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests;

/// <summary>What a plain start by the native helper says and remembers when the system refuses.</summary>
public sealed class HelperFaultTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public HelperFaultTests() => RememberedRefusals.Forget();

    public static TheoryData<string, int, string> RefusedForGood => new()
    {
        { "clone3", ENOSYS, "an old or an emulated kernel" },
        { "clone3", EPERM, "a seccomp filter" },
        { "close_range", ENOSYS, "a seccomp filter that calls what it does not know missing" },
        { "close_range", EPERM, "a seccomp filter" },
    };

    [Theory, MemberData(nameof(RefusedForGood))]
    public void Rule07_HelperRefusedForGood_LibcTakesOverAndItIsNotAskedAgain(string function, int errno, string why)
    {
        Assert.NotEmpty(why);
        using (FaultScope fault = FaultScope.Fail(function, errno))
        {
            AssertStarts();
            Assert.NotNull(fault.Plan.ReachedAt);
        }

        AssertNextStart(calls: "posix_spawn", insteadOf: "clone3");
    }

    [Fact]
    public void Start_HelperRefused_IsLoggedOnce()
    {
        var log = new EventLog();
        for (int i = 0; i < 2; i++)
        {
            using FaultScope fault = FaultScope.Fail("clone3", EPERM);
            Assert.Equal(0, Spawned.Reap(Spawner.Start(new SubprocessStartInfo("true"), Stdio.Null, Stdio.Null, Stdio.Inherit, log)));
        }
        Assert.Equal(1, log.Count("SpawnHelperRefused"));
    }

    [Fact]
    public void Start_ProcessLimit_NamesBothThatItCanBe()
    {
        SubprocessStartException e = Fails("clone3", EAGAIN);
        Assert.Equal(SubprocessStartError.NoProcesses, e.Reason);
        Assert.EndsWith(") or the control group's pids.max is reached", e.Message, StringComparison.Ordinal);
        AssertStarts();
    }

    public static TheoryData<int, string> RefusalsOfCgroups => new()
    {
        { EBUSY, "EBUSY: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '/usr': it has controllers enabled for its children, so processes may be in those alone (cgroup.subtree_control): make a cgroup below it" },
        { ENODEV, "ENODEV: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '/usr': it has been removed" },
        { EAGAIN, "EAGAIN: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '/usr': its pids.max is reached, or the user's RLIMIT_NPROC" },
    };

    [Theory, MemberData(nameof(RefusalsOfCgroups))]
    public void Start_IntoACgroupThatRefuses_NamesItAndTheRule(int errno, string expected)
    {
        using FaultScope fault = FaultScope.Fail("clone3", errno);
        var e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true") { Attributes = new() { Cgroup = "/usr" } }));
        Assert.Equal(expected, e.Message);
    }

    [Fact]
    public void Start_NoDescriptorForThePidfd_LibcDoesWithoutThisOnce()
    {
        using (FaultScope fault = FaultScope.Fail("clone3", EMFILE))
            AssertStarts();
        AssertNextStart(calls: "clone3", insteadOf: "posix_spawn");
    }

    [Fact]
    public void Rule10_FileBusyOnce_IsTriedAgain()
    {
        using FaultScope fault = FaultScope.Fail("execve", ETXTBSY);
        AssertStarts();
        Assert.NotNull(fault.Plan.ReachedAt);
    }

    public void Dispose()
    {
        RememberedRefusals.Forget();
        _leaks.Dispose();
    }

    private static void AssertStarts()
    {
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("true"));
        Assert.NotNull(child.Pidfd);
        Assert.Equal(0, Spawned.Reap(child));
    }

    private static void AssertNextStart(string calls, string insteadOf)
    {
        FaultingInterop plan = new(fault: null);
        Faults.Plan = plan;
        try
        {
            AssertStarts();
        }
        finally
        {
            Faults.Plan = null;
        }
        Assert.Contains(calls, plan.CallSites.Keys);
        Assert.DoesNotContain(insteadOf, plan.CallSites.Keys);
    }

    private static SubprocessStartException Fails(string function, int errno)
    {
        using FaultScope fault = FaultScope.Fail(function, errno);
        return Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true"), output: Stdio.Pipe));
    }
}
