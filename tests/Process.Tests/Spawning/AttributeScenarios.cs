using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Spawning;

[SupportedOSPlatform("linux")]
internal static class AttributeScenarios
{
    /// <summary>Never disposed: one that is still under way would then be handled by default, and end us.</summary>
    private static PosixSignalRegistration? s_usr1;

    /// <summary>Says the pid of a child that dies with us, and then that it has survived the thread that asked for it.</summary>
    internal static async Task DieWithParentAsync(string[] args)
    {
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        await using var factory = new SubprocessFactory(watching.Loop, watching.Watcher) { StartOnLoop = true };
        SubprocessStartInfo info = new("sleep", "1000") { Attributes = new() { ParentDeathSignal = UnixSignal.Kill } };
        Task<ISubprocess> started = args[0] switch
        {
            "loop" => watching.Loop.InvokeAsync(() => factory.StartAsync(info)),
            "ending thread" => StartOnEndingThreadAsync(factory, info),
            _ => Task.Run(() => factory.StartAsync(info).AsTask()),
        };
        ISubprocess child = await started.WaitAsync(TestTimeout);
        Scenario.Say(child.Id.ToString(CultureInfo.InvariantCulture));
        GC.Collect();
        Assert.False(child.WaitForExitAsync().IsCompleted, "it died with a thread");
        Scenario.Say("still there");
        await Scenario.WaitForEndAsync();
    }

    private static Task<ISubprocess> StartOnEndingThreadAsync(SubprocessFactory factory, SubprocessStartInfo info)
    {
        Task<ISubprocess>? started = null;
        Thread thread = new(() => started = factory.StartAsync(info).AsTask());
        thread.Start();
        Assert.True(thread.Join(TestTimeout));
        return started!;
    }

    /// <summary>A credential change in a child that shares our memory would make it, and so us, undumpable (prctl(2)).</summary>
    internal static Task StayDumpableAsync(string[] args)
    {
        int before = TestLibc.Dumpable();
        foreach (SubprocessAttributes attributes in new SubprocessAttributes[] { new() { User = "nobody" }, new() { Group = "1" }, new() { Groups = [] } })
            Assert.Equal(0, Spawned.Run(new SubprocessStartInfo("true") { Attributes = attributes }).ReturnCode);
        Assert.Equal(1, before);
        Assert.Equal(before, TestLibc.Dumpable());
        return Task.CompletedTask;
    }

    /// <summary>Starts children while signals with handlers in this process hail on it: none may be handled in a child, and no start may fail.</summary>
    internal static async Task StormAsync(string[] args)
    {
        bool changesUser = bool.Parse(args[1]);
        int spawns = int.Parse(args[0], CultureInfo.InvariantCulture) / (changesUser ? 5 : 1); // whose memory is copied
        SubprocessAttributes attributes = new() { Umask = UnixFileMode.None, User = changesUser ? "nobody" : null };
        int handled = 0;
        using var winch = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, context => Interlocked.Increment(ref handled));
        s_usr1 = PosixSignalRegistration.Create((PosixSignal)10, context =>
        {
            context.Cancel = true;
            Interlocked.Increment(ref handled);
        });
        using LeakCheck leaks = new();
        using CancellationTokenSource end = new();
        Task storm = Task.Factory.StartNew(
            () =>
            {
                while (!end.IsCancellationRequested)
                {
                    TestLibc.Kill(Environment.ProcessId, 28);
                    TestLibc.Kill(Environment.ProcessId, 10);
                }
            },
            TaskCreationOptions.LongRunning);
        SubprocessStartInfo info = new("/bin/true") { Attributes = attributes };
        for (int i = 0; i < spawns; i++)
        {
            SpawnedChild child = Spawned.Start(info);
            Assert.Equal(0, Spawned.Reap(child));
        }
        await end.CancelAsync();
        await storm.WaitAsync(TestTimeout);
        Assert.True(handled > 0, "no storm");
        GC.KeepAlive(s_usr1);
    }

    /// <summary>What a child started by the helper sees of itself, beside one started by posix_spawn(3).</summary>
    internal static Task CompareAsync(string[] args)
    {
        TestLibc.IgnoreSignal(12);
        const string Look = "grep -E '^(Sig(Blk|Ign|Cgt)|Groups|Uid|Gid|NoNewPrivs|Umask|Cap)' /proc/self/status; ls /proc/self/fd; pwd; cat <&5; env; cat /proc/self/limits; cut -d' ' -f 6 /proc/self/stat";
        string Run(bool helper, ProcessGroup group)
        {
            string file = Path.GetTempFileName();
            File.WriteAllText(file, "five\n");
            using var five = File.OpenHandle(file);
            File.Delete(file);
            SubprocessStartInfo info = new("sh", "-c", Look) { WorkingDirectory = "/usr", ProcessGroup = group, Descriptors = { [5] = five, [9] = five } };
            (string output, int code) = Spawned.Run(info, features: helper ? SpawnFeatures.OfThisLibc : Spawned.ThisLibc);
            Assert.Equal(0, code);
            return output;
        }

        foreach (ProcessGroup group in new[] { ProcessGroup.New, ProcessGroup.Inherit })
        {
            string byLibc = Run(false, group), byHelper = Run(true, group);
            Assert.Contains("five", byLibc, StringComparison.Ordinal);
            Assert.Equal(byLibc, byHelper);
        }
        foreach (string program in new[] { "/no/such/program", "no-such-program", "/etc/passwd", "/usr" })
        {
            string Fail(bool helper) => Assert.Throws<SubprocessStartException>(
                () => Spawned.Start(new SubprocessStartInfo(program), features: helper ? SpawnFeatures.OfThisLibc : Spawned.ThisLibc)).Message;
            Assert.Equal(Fail(false), Fail(true));
        }
        Assert.Equal(SubprocessStartError.WorkingDirectory, Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true") { WorkingDirectory = "/no/such" })).Reason);
        return Task.CompletedTask;
    }

    /// <summary>Says how each of several attributes is refused to an unprivileged user.</summary>
    internal static Task RefusalsAsync(string[] args)
    {
        foreach (SubprocessAttributes attributes in new SubprocessAttributes[]
        {
            new() { User = "daemon" }, new() { Groups = ["1"] }, new() { Group = "1" }, new() { Limits = { [ResourceLimit.Nice] = new(40) } },
        })
            Scenario.Say(Assert.Throws<SubprocessStartException>(() => Spawned.Start(new SubprocessStartInfo("true") { Attributes = attributes })).Message);
        return Task.CompletedTask;
    }

    /// <summary>As where no helper was built: what needs it is refused, and nothing else.</summary>
    internal static Task WithoutHelperAsync(string[] args)
    {
        SpawnFeatures none = SpawnFeatures.OfThisLibc with { HelperMissing = "there is none" };
        foreach (SubprocessAttributes attributes in new SubprocessAttributes[] { new() { User = "nobody" }, new() { Cgroup = "/" }, new() { Limits = { [ResourceLimit.Core] = new(0) } } })
        {
            PlatformNotSupportedException e = Assert.Throws<PlatformNotSupportedException>(() => Spawned.Start(new SubprocessStartInfo("true") { Attributes = attributes }, features: none));
            Assert.EndsWith(" can't be had here: there is none.", e.Message, StringComparison.Ordinal);
            Assert.Null(attributes.WhyUnavailable());
        }
        Assert.Equal(0, Spawned.Reap(Spawned.Start(new SubprocessStartInfo("true") { Attributes = new() }, features: none)));
        return Task.CompletedTask;
    }
}
