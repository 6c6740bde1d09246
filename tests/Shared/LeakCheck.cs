using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace UnixLoop.TestSupport;

/// <summary>
/// Compares this process's descriptors and children at the end of a test with those at its start. A test class holds one in
/// a field and disposes it last, which waits for what still ends and then fails if anything is left: also what children have
/// left behind, which is init's child by then, and known by a variable that it inherited.
/// </summary>
/// <remarks>Right only while tests run one after the other (TestAssembly.cs). Never collects garbage: what a finalizer would close is a leak.</remarks>
internal sealed class LeakCheck : IDisposable
{
    private static readonly string Marker = $"UNIXLOOP_LEAK_CHECK_{Environment.ProcessId}";

    /// <summary>One test's leftovers are not the next one's.</summary>
    private static readonly HashSet<string> s_reported = [];

    private readonly TimeSpan _patience;
    private readonly HashSet<string> _before;

    static LeakCheck()
    {
        Environment.SetEnvironmentVariable(Marker, "1");
        // The runtime opens its signal pipe and its sockets' epoll (which redirected streams of Process use) at first use and keeps them.
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, static _ => { }).Dispose();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"\0unixloop-leak-check-{Environment.ProcessId}"));
        using var end = new CancellationTokenSource();
        ValueTask<int> receive = socket.ReceiveAsync(new byte[1], end.Token);
        end.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => receive.AsTask().GetAwaiter().GetResult());
    }

    /// <param name="patience">How long to wait for what still ends; null for 10 s.</param>
    internal LeakCheck(TimeSpan? patience = null)
    {
        _patience = patience ?? TimeSpan.FromSeconds(10);
        _before = Snapshot();
    }

    public void Dispose()
    {
        List<string> left = [];
        if (!Eventually.TryWait(() => (left = Left()).Count == 0, _patience))
        {
            s_reported.UnionWith(left);
            Assert.Fail($"left behind: {string.Join(", ", left)}");
        }
    }

    private List<string> Left()
    {
        List<string> left = [.. Snapshot().Except(_before).Order()];
        // The costly look comes last, and once as a rule.
        return left.Count > 0 ? left : [.. Descendants().Except(_before).Except(s_reported).Order()];
    }

    private static HashSet<string> Snapshot() => [.. Descriptors(), .. Children()];

    private static IEnumerable<string> Descriptors()
    {
        foreach (string link in Directory.EnumerateFileSystemEntries("/proc/self/fd").ToArray())
        {
            // Gone: the descriptor of the enumeration itself. The runtime opens libraries and their symbols whenever it likes.
            string? target = Target(link);
            if (target is not null && Path.GetExtension(target) is not (".dll" or ".so" or ".pdb"))
                yield return $"descriptor {Path.GetFileName(link)} → {target}";
        }
    }

    private static string? Target(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Children()
    {
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task").ToArray())
        {
            foreach (string pid in ReadOrEmpty($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                yield return Describe(pid);
        }
    }

    /// <summary>Of any depth, if they have our variables. Zombies have none (proc_pid_environ(5)).</summary>
    private static IEnumerable<string> Descendants()
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc").ToArray())
        {
            string pid = Path.GetFileName(folder);
            if (char.IsAsciiDigit(pid[0]) && pid != $"{Environment.ProcessId}" && ReadOrEmpty($"{folder}/environ").Contains(Marker + '=', StringComparison.Ordinal))
                yield return Describe(pid);
        }
    }

    private static string Describe(string pid) => $"child {pid} ({ReadOrEmpty($"/proc/{pid}/comm").Trim()})";

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
