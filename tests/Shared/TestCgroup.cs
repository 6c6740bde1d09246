namespace UnixLoop.TestSupport;

/// <summary>A control group of a test's own (cgroups(7), version 2). Disposing kills what is left in it, waits until it is empty, and removes it.</summary>
internal sealed class TestCgroup : IDisposable
{
    private TestCgroup(string path) => Path = path;

    internal string Path { get; }

    /// <summary>The pids in it.</summary>
    internal string[] Processes => File.ReadAllLines(System.IO.Path.Combine(Path, "cgroup.procs"));

    /// <summary>Makes one below a mount of cgroup2; null where there is none that may be written.</summary>
    internal static TestCgroup? TryCreate()
    {
        // proc_pid_mountinfo(5): the mount point is the fifth field, the type is the first after " - ".
        IEnumerable<string> mounts = File.ReadLines("/proc/self/mountinfo")
            .Where(line => line.Contains(" - cgroup2 ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[4]);
        foreach (string mount in mounts)
        {
            try
            {
                return CreateIn(mount);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Mounted read-only, or somebody else's.
            }
        }
        return null;
    }

    internal static TestCgroup CreateIn(string parent)
    {
        string path = System.IO.Path.Combine(parent, $"unixloop-test-{Guid.NewGuid():N}");
        Directory.CreateDirectory(path);
        return new TestCgroup(path);
    }

    // EBUSY for a moment after the last process has gone from its list.
    private bool TryRemove()
    {
        try
        {
            Directory.Delete(Path);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        File.WriteAllText(System.IO.Path.Combine(Path, "cgroup.kill"), "1");
        Assert.True(Eventually.TryWait(() => Processes.Length == 0, TestTimeout), $"left in the control group: {string.Join(", ", Processes)}");
        Assert.True(Eventually.TryWait(TryRemove, TestTimeout), "the control group stays busy");
    }
}
