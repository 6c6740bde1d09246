namespace UnixLoop.TestSupport;

/// <summary>A control group of a test's own (cgroups(7), version 2). Disposing kills what is left in it, waits until it is empty, and removes it.</summary>
internal sealed class TestCgroup : IDisposable
{
    private static FileStream? s_reservation;

    private readonly FileStream? _use;

    private TestCgroup(string path, FileStream? use)
    {
        Path = path;
        _use = use;
    }

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
        FileStream? use = s_reservation is null ? Lock(FileAccess.Read, FileShare.Read) : null;
        try
        {
            string path = System.IO.Path.Combine(parent, $"unixloop-test-{Guid.NewGuid():N}");
            Directory.CreateDirectory(path);
            return new TestCgroup(path, use);
        }
        catch
        {
            use?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// For the rest of this process, which may then do to the file system what others would notice: there is one for the whole
    /// machine, however often it is mounted.
    /// </summary>
    internal static void ReserveFileSystem() => s_reservation = Lock(FileAccess.ReadWrite, FileShare.None);

    /// <summary>flock(2), by what FileStream does with these: shared for a reader that shares, exclusive for one that does not.</summary>
    private static FileStream Lock(FileAccess access, FileShare share)
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "unixloop-tests-cgroup.lock");
        FileStream? file = null;
        Assert.True(Eventually.TryWait(() => TryOpen(path, access, share, out file), TestTimeout), $"'{path}' stays locked by other tests");
        return file!;
    }

    private static bool TryOpen(string path, FileAccess access, FileShare share, out FileStream? file)
    {
        try
        {
            // proc_sys_fs(5), protected_regular: O_CREAT of another user's file in /tmp is refused, to root too.
            file = new FileStream(path, File.Exists(path) ? FileMode.Open : FileMode.OpenOrCreate, access, share, bufferSize: 0);
            return true;
        }
        catch (IOException)
        {
            file = null;
            return false;
        }
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
        using FileStream? use = _use;
        File.WriteAllText(System.IO.Path.Combine(Path, "cgroup.kill"), "1");
        Assert.True(Eventually.TryWait(() => Processes.Length == 0, TestTimeout), $"left in the control group: {string.Join(", ", Processes)}");
        Assert.True(Eventually.TryWait(TryRemove, TestTimeout), "the control group stays busy");
    }
}
