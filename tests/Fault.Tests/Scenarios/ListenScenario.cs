using System.Net.Sockets;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A listener is bound with a mode, in a directory that it makes, and serves one client. The client is .NET's own, which meets no faults.</summary>
internal sealed class ListenScenario : Scenario
{
    internal override string Name => "listening";

    // EAGAIN although a connection waits does not happen; of those that make accepting pause for a second, one stands for all.
    // A directory that is there already is no error, and a socket can always be polled.
    internal override bool CanHappen(string function, int errno) => function switch
    {
        "accept4" => errno == ECONNABORTED || errno == EINTR || errno == EMFILE,
        "epoll_ctl EPOLL_CTL_ADD" => errno != EPERM,
        "mkdirat" => errno != EEXIST,
        "flock" => errno != EAGAIN,
        _ => true,
    };

    /// <summary>A refused bind or rename tells of the other who must have been faster; the name too.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        // What stands in the way is looked at through a lock file's descriptor: if that can't be told, it is no regular file.
        exception is IOException && fault.Function == "statx" && exception.HResult == EINVAL
        || exception is IOException && exception.HResult == EADDRINUSE && fault.Function is "statx" or "bind";

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("unixloop-");
        string path = Path.Combine(folder.FullName, "run", "app.sock");
        try
        {
            await using UnixStreamListener listener = await UnixStreamListener.BindAsync(
                loop, UnixSocketAddress.FromPath(path),
                new() { Mode = (UnixFileMode)0b110_110_000, DirectoryMode = (UnixFileMode)0b111_101_101, Group = "0" });
            await ServeOneAsync(rig, loop, listener, path);
        }
        finally
        {
            // A file that can't be looked at or removed has to stay.
            string[] left = [.. Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal))];
            rig.Expect(left.Length == 0 || rig.Fault is { Function: "statx" or "unlinkat" }, $"no file is left: {string.Join(", ", left)}");
            folder.Delete(recursive: true);
        }
    }

    private static async Task ServeOneAsync(Rig rig, UnixEventLoop loop, UnixStreamListener listener, string path)
    {
        Task<UnixStreamConnection?> accept = rig.Track(listener.AcceptAsync().AsTask());
        while (!accept.IsCompleted)
        {
            using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
                // It is told "hello", or closed: then it comes again.
                byte[] buffer = new byte[16];
                Task<int> reading = client.ReceiveAsync(buffer.AsMemory()).AsTask();
                await Task.WhenAny(accept, reading);
                if (!accept.IsCompleted)
                    continue;
                await using UnixStreamConnection? connection = await accept;
                if (connection is null)
                    break;
                rig.Expect(connection.PeerCredentials.ProcessId == Environment.ProcessId, "the peer is this process");
                await connection.Output.WriteAsync("hello"u8.ToArray());
                rig.Expect(await reading is > 0 and <= 5, "the client is told something");
            }
            catch (SocketException) when (rig.LoopMayFault)
            {
                break;
            }
        }
        ObjectDisposedException.ThrowIf(rig.LoopMayFault && loop.Completion.IsFaulted, loop);
    }
}
