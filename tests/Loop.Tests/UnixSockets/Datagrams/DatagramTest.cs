using System.Text;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Datagrams;

/// <summary>A loop, a folder for sockets, and sockets that are closed at the end.</summary>
public abstract class DatagramTest : LoopTest
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dgram-");
    private readonly List<UnixDatagramSocket> _sockets = [];

    protected string PathOf(string name) => Path.Combine(_folder.FullName, name);

    protected UnixSocketAddress At(string name) => UnixSocketAddress.FromPath(PathOf(name));

    protected static UnixSocketAddress AbstractName() => UnixSocketAddress.FromAbstractName($"unixloop-{Guid.NewGuid():N}");

    protected async Task<UnixDatagramSocket> BindAsync(UnixSocketAddress address, UnixDatagramSocketOptions? options = null) =>
        Keep(await UnixDatagramSocket.BindAsync(Loop, address, options).WaitAsync(TestTimeout));

    protected UnixDatagramSocket Connected(UnixSocketAddress peer, UnixDatagramSocketOptions? options = null)
    {
        UnixDatagramSocket socket = Keep(UnixDatagramSocket.Create(Loop, options));
        socket.Connect(peer);
        return socket;
    }

    protected UnixDatagramSocket Keep(UnixDatagramSocket socket)
    {
        _sockets.Add(socket);
        return socket;
    }

    /// <summary>Two sockets that know each other from birth.</summary>
    protected (UnixDatagramSocket One, UnixDatagramSocket Other) Pair(UnixDatagramSocketOptions? options = null)
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_DGRAM, out int one, out int other), "socketpair");
        return (Keep(UnixDatagramSocket.FromSocket(Loop, new UnixHandle(one), options)), Keep(UnixDatagramSocket.FromSocket(Loop, new UnixHandle(other), options)));
    }

    protected static async Task<string> ReceiveTextAsync(UnixDatagramSocket socket)
    {
        byte[] buffer = new byte[1000];
        UnixDatagramReceiveResult result = await ReceiveAsync(socket, buffer);
        return Encoding.UTF8.GetString(buffer, 0, result.Length);
    }

    protected static Task<UnixDatagramReceiveResult> ReceiveAsync(UnixDatagramSocket socket, byte[] buffer, CancellationToken cancellationToken = default) =>
        socket.ReceiveAsync(buffer, cancellationToken).AsTask().WaitAsync(TestTimeout, CancellationToken.None);

    /// <summary>Sends until there is no room.</summary>
    protected static int Fill(UnixDatagramSocket socket, UnixSocketAddress? destination = null)
    {
        int count = 0;
        while (socket.TrySend("fill"u8, destination))
            count++;
        return count;
    }

    protected static void Drain(UnixDatagramSocket socket)
    {
        while (socket.TryReceive(new byte[1000], out _))
        {
        }
    }

    /// <summary>Turns of the loop in <paramref name="time"/>, while something waits that nobody lets go on.</summary>
    protected async Task<long> CountTurnsAsync(TimeSpan time)
    {
        await SettleAsync();
        long before = Loop.GetStatistics().Turns;
        using var idle = new ManualResetEventSlim();
        idle.Wait(time);
        return Loop.GetStatistics().Turns - before;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (UnixDatagramSocket socket in _sockets)
            await socket.DisposeAsync();
        _folder.Delete(recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
