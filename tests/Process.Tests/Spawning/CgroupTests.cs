using System.Runtime.Versioning;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>Children born in a control group, in a mount namespace with a cgroup2 file system of its own.</summary>
[SupportedOSPlatform("linux")]
public sealed class CgroupTests : IDisposable
{
    private readonly DirectoryInfo _mount = Directory.CreateTempSubdirectory("cgroup2-");

    public CgroupTests()
    {
        Requires.Root();
        Requires.Tool("unshare");
        Requires.Kernel(5, 14);
        Requires.That(SpawnHelper.Missing is null, "the native helper");
    }

    public void Dispose() => _mount.Delete(recursive: true);

    [Fact]
    public async Task Child_OfACgroup_IsBornThere()
    {
        await using ScenarioProcess scenario = Start(BeBornAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Stop_OfACgroupOfItsOwn_ReachesWhatHasLeftItsSession()
    {
        await using ScenarioProcess scenario = Start(StopAllAsync);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Refusals_NameTheCgroupAndTheRule()
    {
        await using ScenarioProcess scenario = Start(RefuseAsync);
        Assert.Equal("ENOENT: can't start 'true': SubprocessAttributes.Cgroup: can't open the directory '/no/such': No such file or directory", await scenario.ReadLineAsync());
        Assert.Equal("EBADF: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '/usr': it is no directory of a cgroup2 file system", await scenario.ReadLineAsync());
        Assert.Matches("^EOPNOTSUPP: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '.*': it is in the state 'domain invalid', or threaded ", await scenario.ReadLineAsync());
        Assert.Matches("^EACCES: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '.*': .* delegated to our user", await scenario.ReadLineAsync());
        Assert.Matches("^EROFS: can't start 'true': SubprocessAttributes.Cgroup: clone3 into '.*': .* read-only .* delegated", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    private ScenarioProcess Start(Func<string[], Task> scenario) => ScenarioProcess.Start(
        scenario, [_mount.FullName],
        via: ["unshare", "--mount", "sh", "-c", $"mount -t cgroup2 none {_mount.FullName} && exec \"$@\"", "sh"]);

    internal static Task BeBornAsync(string[] args)
    {
        using TestCgroup cgroup = TestCgroup.CreateIn(args[0]);
        using LeakCheck leaks = new();
        foreach (SubprocessAttributes attributes in new SubprocessAttributes[] { new() { Cgroup = cgroup.Path }, new() { Cgroup = cgroup.Path, User = "nobody" } })
        {
            (string output, int code) = Spawned.Run(new SubprocessStartInfo("sed", "-n", "s/^0:://p", "/proc/self/cgroup") { Attributes = attributes });
            Assert.Equal(0, code);
            Assert.Equal("/" + Path.GetFileName(cgroup.Path), output.Trim());
        }

        SpawnedChild first = Spawned.Start(new SubprocessStartInfo("cat") { Attributes = new() { Cgroup = cgroup.Path } }, Stdio.Pipe);
        SpawnedChild second = Spawned.Start(new SubprocessStartInfo("true") { Attributes = new() { Cgroup = cgroup.Path } });
        Assert.NotNull(first.Cgroup);
        Assert.Null(second.Cgroup); // it is not alone there
        first.InputWriteEnd!.Dispose();
        Assert.Equal((0, 0), (Spawned.Reap(first), Spawned.Reap(second)));
        return Task.CompletedTask;
    }

    /// <summary>The child leaves a process in a session of its own that ignores TERM: no signal to its group reaches that.</summary>
    internal static async Task StopAllAsync(string[] args)
    {
        using TestCgroup cgroup = TestCgroup.CreateIn(args[0]);
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        await using var factory = new SubprocessFactory(watching.Loop, watching.Watcher);
        foreach (bool dispose in new[] { false, true })
        {
            SubprocessStartInfo info = new("sh", "-c", "trap '' TERM; setsid sleep 1000 & while :; do sleep 1000; done") { Attributes = new() { Cgroup = cgroup.Path } };
            ISubprocess child = await factory.StartAsync(info);
            Assert.True(Eventually.TryWait(() => cgroup.Processes.Length >= 3, TestTimeout), "no tree");
            if (dispose)
                await child.DisposeAsync().AsTask().WaitAsync(TestTimeout);
            else
                Assert.Equal(UnixSignal.Kill, (await child.StopAsync(TimeSpan.FromMilliseconds(50)).WaitAsync(TestTimeout)).Signal);
            Assert.True(Eventually.TryWait(() => cgroup.Processes.Length == 0, TestTimeout), "somebody is left");
            await child.DisposeAsync();
        }
    }

    internal static Task RefuseAsync(string[] args)
    {
        TestCgroup.ReserveFileSystem(); // it becomes read-only below, for everybody
        using TestCgroup cgroup = TestCgroup.CreateIn(args[0]);
        Say("/no/such");
        Say("/usr");
        // A sibling of a threaded cgroup is of no use until it is threaded too (cgroups(7), "Thread mode"); no process is listed there, or killed.
        string threaded = Path.Combine(cgroup.Path, "threaded"), invalid = Path.Combine(cgroup.Path, "invalid");
        Directory.CreateDirectory(threaded);
        Directory.CreateDirectory(invalid);
        File.WriteAllText(Path.Combine(threaded, "cgroup.type"), "threaded");
        Say(invalid);
        Directory.Delete(invalid);
        Directory.Delete(threaded);

        // Without the power over other users' files, the permissions of cgroup.procs count.
        using TestCgroup foreign = TestCgroup.CreateIn(args[0]);
        Assert.Equal(0, Spawned.Run(new SubprocessStartInfo("chmod", "a-w", Path.Combine(foreign.Path, "cgroup.procs"))).ReturnCode);
        SayAsNobody(foreign.Path);

        Assert.Equal(0, Spawned.Run(new SubprocessStartInfo("mount", "-o", "remount,ro", args[0])).ReturnCode);
        Say(foreign.Path);
        Assert.Equal(0, Spawned.Run(new SubprocessStartInfo("mount", "-o", "remount,rw", args[0])).ReturnCode);
        return Task.CompletedTask;
    }

    private static void Say(string cgroup) =>
        Scenario.Say(Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true") { Attributes = new() { Cgroup = cgroup } })).Message);

    private static void SayAsNobody(string cgroup)
    {
        Thread thread = new(() =>
        {
            TestLibc.BecomeOnThisThread(65534);
            Say(cgroup);
        });
        thread.Start();
        Assert.True(thread.Join(TestTimeout));
    }
}
