using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Spawning;

internal static class SpawningScenarios
{
    /// <summary>
    /// Starts children in a process that began without some of its streams, and writes to the file named first: which of 0 to 2
    /// an inheriting child has, whether one with 2 as 1 has 2, and what went through pipes.
    /// </summary>
    internal static Task WithoutStreamsAsync(string[] args)
    {
        string report = args[0];
        // Nothing that the shell itself would open descriptors for.
        const string Look = "r=0; [ -e /proc/$$/fd/0 ] && r=$((r+1)); [ -e /proc/$$/fd/1 ] && r=$((r+2)); [ -e /proc/$$/fd/2 ] && r=$((r+4)); exit $r";
        int inherited = Spawned.Reap(Spawner.Start(new("sh", "-c", Look), Stdio.Inherit, Stdio.Inherit, Stdio.Inherit));
        int errorAsOutput = Spawned.Reap(Spawner.Start(new("sh", "-c", Look), Stdio.Null, Stdio.Inherit, Stdio.AsOutput)) & 4;
        File.WriteAllText(report, $"{inherited}\n{errorAsOutput}\n");

        WarmUp();
        using LeakCheck leaks = WarmLeakCheck();
        for (int i = 0; i < 3; i++)
        {
            SpawnedChild cat = Spawner.Start(new("sh", "-c", "cat; echo error >&2"), Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
            Assert.True(IsAboveStreams(cat.InputWriteEnd!) && IsAboveStreams(cat.OutputReadEnd!) && IsAboveStreams(cat.ErrorReadEnd!), "an end of ours is a standard stream");
            Libc.Write(cat.InputWriteEnd!.Descriptor, "text\n"u8);
            cat.InputWriteEnd.Dispose();
            File.AppendAllText(report, Spawned.ReadToEnd(cat.OutputReadEnd!) + Spawned.ReadToEnd(cat.ErrorReadEnd!));
            Assert.True(Spawned.Reap(cat) == 0, "cat");
        }
        return Task.CompletedTask;
    }

    /// <summary>Our 1 becomes the child's 2 and our 2 its 1, both by number; the two are different pipes here.</summary>
    internal static Task SwapStreamsAsync(string[] args)
    {
        using SafeFileHandle one = new(1, ownsHandle: false), two = new(2, ownsHandle: false);
        Assert.True(Spawned.Reap(Spawner.Start(new("sh", "-c", "echo to output >&2; echo to error"), Stdio.Null, Stdio.Descriptor(two), Stdio.Descriptor(one))) == 0, "the child");
        return Task.CompletedTask;
    }

    /// <summary>Uses up all descriptors but a few, then says how starts fail with none to five left.</summary>
    internal static Task FewDescriptorsAsync(string[] args)
    {
        WarmUp();
        Scenario.Say("begin");
        // No LeakCheck: it wakes the runtime's socket thread, which ends the process if it then finds no descriptor for a pool thread.
        int before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        List<SafeFileHandle> taken = [];
        try
        {
            while (true)
                taken.Add(File.OpenHandle("/dev/null"));
        }
        catch (IOException)
        {
            // All are taken.
        }
        for (int free = 0; free <= 5; free++)
        {
            string said;
            try
            {
                SpawnedChild child = Spawner.Start(new("true"), Stdio.Pipe, Stdio.Pipe, Stdio.Inherit);
                said = $"started, pidfd {PosixError.Name(child.PidfdErrno)}";
                Assert.True(Spawned.Reap(child) == 0, "the child");
            }
            catch (SubprocessStartException e)
            {
                said = $"{e.Reason}: {e.Message}";
            }
            Scenario.Say($"{free}: {said}");
            taken[^1].Dispose();
            taken.RemoveAt(taken.Count - 1);
        }
        taken.ForEach(handle => handle.Dispose());
        Assert.Equal(before, Directory.GetFileSystemEntries("/proc/self/fd").Length);
        return Task.CompletedTask;
    }

    /// <summary>Says which signals a child ignores, without and with the option that resets them.</summary>
    internal static Task IgnoredSignalsAsync(string[] args)
    {
        WarmUp();
        Scenario.Say("begin");
        using LeakCheck leaks = WarmLeakCheck();
        foreach (bool reset in new[] { false, true })
        {
            SpawnedChild child = Spawner.Start(new("grep", "SigIgn", "/proc/self/status") { ResetIgnoredSignals = reset }, Stdio.Null, Stdio.Pipe, Stdio.Inherit);
            Scenario.Say(Spawned.ReadToEnd(child.OutputReadEnd!).Trim());
            Assert.True(Spawned.Reap(child) == 0, "the child");
        }
        return Task.CompletedTask;
    }

    /// <summary>Says the process group of a foreground child, the terminal's group while it runs, and the one after.</summary>
    internal static Task ForegroundAsync(string[] args)
    {
        WarmUp();
        Scenario.Say("begin");
        using LeakCheck leaks = WarmLeakCheck();
        SpawnFeatures features = SpawnFeatures.OfThisLibc with { Foreground = bool.Parse(args[0]) };
        Assert.True(TerminalForeground.IsOurs(), "no terminal");
        // It reads from the terminal at once, which would stop a child in the background.
        SpawnedChild child = Spawner.Start(new("sh", "-c", "read line; echo child read $line") { ProcessGroup = ProcessGroup.Foreground }, Stdio.Inherit, Stdio.Inherit, Stdio.Inherit, null, features);
        Scenario.Say($"foreground {child.IsTerminalJob} {Libc.TerminalGroup(0).IntValue == child.Pid}");
        Assert.True(Spawned.Reap(child) == 0, "the child");
        TerminalForeground.TakeBack(child.Pid);
        Scenario.Say($"taken back {TerminalForeground.IsOurs()}");

        try
        {
            Spawner.Start(new("/no/such/program") { ProcessGroup = ProcessGroup.Foreground }, Stdio.Inherit, Stdio.Inherit, Stdio.Inherit, null, features);
        }
        catch (SubprocessStartException)
        {
            Scenario.Say($"after a failed start {TerminalForeground.IsOurs()}");
        }
        SpawnedChild inherits = Spawner.Start(new("sh", "-c", "read line; echo child read $line"), Stdio.Inherit, Stdio.Inherit, Stdio.Inherit);
        Scenario.Say($"default leads {inherits.LeadsGroup}");
        Assert.True(Spawned.Reap(inherits) == 0, "the child in our group");
        return Task.CompletedTask;
    }

    /// <summary>Says how a start ends that would be one process too many for its user, and how it ends once the limit is gone.</summary>
    internal static Task ProcessLimitAsync(string[] args)
    {
        ulong before = 0;
        SayHowStartsEnd(() => before = TestLibc.SetSoftLimit(Libc.RLIMIT_NPROC, 1), () => TestLibc.SetSoftLimit(Libc.RLIMIT_NPROC, before));
        return Task.CompletedTask;
    }

    /// <summary>The same by pids.max, in a control group below the first argument; "no controller" where that has no such file.</summary>
    internal static Task PidsMaxAsync(string[] args)
    {
        string group = Directory.CreateDirectory(Path.Combine(args[0], $"unixloop-test-{Guid.NewGuid():N}")).FullName, max = Path.Combine(group, "pids.max");
        try
        {
            if (!File.Exists(max))
            {
                Scenario.Say("no controller");
                return Task.CompletedTask;
            }
            File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{Environment.ProcessId}");
            SayHowStartsEnd(() => File.WriteAllText(max, "1"), () => File.WriteAllText(max, "max")); // our own threads are more, and stay
        }
        finally
        {
            File.WriteAllText(Path.Combine(args[0], "cgroup.procs"), $"{Environment.ProcessId}");
            Assert.True(Eventually.TryWait(() => TryRemove(group), TestTimeout), "the control group stays busy"); // EBUSY for a moment after our move
        }
        return Task.CompletedTask;
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            Directory.Delete(folder);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>No LeakCheck, as with few descriptors: the thread that it wakes asks for others, which are not to be had meanwhile.</summary>
    private static void SayHowStartsEnd(Action limit, Action lift)
    {
        WarmUp();
        Scenario.Say("begin");
        int before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        limit();
        string tooMany = HowOneStarts();
        lift();
        Scenario.Say(tooMany);
        Scenario.Say(HowOneStarts());
        Assert.Equal(before, Directory.GetFileSystemEntries("/proc/self/fd").Length);
    }

    private static string HowOneStarts()
    {
        try
        {
            SpawnedChild child = Spawner.Start(new("true"), Stdio.Pipe, Stdio.Pipe, Stdio.Inherit);
            child.InputWriteEnd!.Dispose();
            return $"{Spawned.ReadToEnd(child.OutputReadEnd!)}ended with {Spawned.Reap(child)}";
        }
        catch (SubprocessStartException e)
        {
            return $"{e.Reason}: {e.Message}";
        }
    }

    /// <summary>Has the runtime open what it opens once: for its random numbers, its exceptions.</summary>
    private static void WarmUp()
    {
        SpawnedChild child = Spawner.Start(new("echo"), Stdio.Pipe, Stdio.Pipe, Stdio.Inherit);
        string said = Spawned.ReadToEnd(child.OutputReadEnd!);
        Assert.Equal(0, Spawned.Reap(child));
        try
        {
            Spawner.Start(new("/no/such/program"), Stdio.Null, Stdio.Null, Stdio.Inherit);
        }
        catch (SubprocessStartException e)
        {
            said += e.Message;
        }
        Assert.Single(new Dictionary<string, string> { [said] = said });
    }

    /// <summary>One whose first snapshot has everything that taking a snapshot opens.</summary>
    private static LeakCheck WarmLeakCheck()
    {
        new LeakCheck().Dispose();
        return new LeakCheck();
    }

    private static bool IsAboveStreams(UnixHandle handle) => handle.Descriptor > 2;
}
