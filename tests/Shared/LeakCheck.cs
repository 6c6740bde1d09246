using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using UnixLoop.TestSupport.Interop;

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

    private static readonly byte[] s_variable = Encoding.UTF8.GetBytes(Marker + '=');

    /// <summary>One test's leftovers are not the next one's.</summary>
    private static readonly HashSet<string> s_reported = [];

    private readonly TimeSpan _patience;
    private readonly HashSet<string> _before;
    private byte[] _buffer = new byte[16 * 1024];

    static LeakCheck()
    {
        YoungProcesses.Note(); // all that have the variable come after this
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
        YoungProcesses.Note();
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

    private HashSet<string> Snapshot() => [.. Descriptors(), .. Children()];

    private static IEnumerable<string> Descriptors()
    {
        foreach (string number in TestLibc.ListDirectory("/proc/self/fd"))
        {
            // Gone: the descriptor of the list itself. The runtime opens libraries and their symbols whenever it likes.
            string? target = TestLibc.ReadLink($"/proc/self/fd/{number}");
            if (target is not null && Path.GetExtension(target) is not (".dll" or ".so" or ".pdb"))
                yield return $"descriptor {number} → {target}";
        }
    }

    private IEnumerable<string> Children()
    {
        if (!TestLibc.HasChildren())
            yield break;
        foreach (string task in TestLibc.ListDirectory("/proc/self/task"))
        {
            foreach (string pid in Read($"/proc/self/task/{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                yield return Describe(pid);
        }
    }

    /// <summary>Of any depth, if they have our variables. Zombies have none (proc_pid_environ(5)).</summary>
    private IEnumerable<string> Descendants()
    {
        YoungProcesses.Note();
        foreach (string pid in TestLibc.ListDirectory("/proc"))
        {
            if (int.TryParse(pid, out int number) && number != Environment.ProcessId && YoungProcesses.MayInclude(number)
                && TestLibc.ReadFile($"/proc/{pid}/environ", ref _buffer).IndexOf(s_variable) >= 0)
            {
                yield return Describe(pid);
            }
        }
    }

    private string Describe(string pid) => $"child {pid} ({Read($"/proc/{pid}/comm").Trim()})";

    private string Read(string path) => Encoding.UTF8.GetString(TestLibc.ReadFile(path, ref _buffer));
}
