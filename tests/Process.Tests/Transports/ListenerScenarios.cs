using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Transports;

internal static class ListenerScenarios
{
    /// <summary>Binds a stream and a datagram socket in args[0], with the modes that are asked; says what they got.</summary>
    internal static async Task BindAsync(string[] args)
    {
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        string folder = Path.Combine(args[0], "run");
        await using UnixStreamListener listener = await UnixStreamListener.BindAsync(
            loop, UnixSocketAddress.FromPath(Path.Combine(folder, "stream")), new() { Mode = (UnixFileMode)0b110_110_010, DirectoryMode = (UnixFileMode)0b111_101_011 });
        using BoundSocket datagram = await SocketBinder.BindAsync(
            UnixSocketAddress.FromPath(Path.Combine(folder, "datagram")), SOCK_DGRAM,
            new BindingOptions(0b110_110_010, null, null, null, null, ReplaceStale: true), TimeProvider.System, default);
        string[] modes = [.. ((string[])[folder, Path.Combine(folder, "stream"), Path.Combine(folder, "datagram")]).Select(ModeOf)];
        Scenario.Say(string.Join(' ', modes));
        await Scenario.WaitForEndAsync();
    }

    /// <summary>A client connects when no descriptor is to be had; it is served when there is one again.</summary>
    internal static Task AcceptWithoutDescriptorsAsync(string[] args) => RunOutAsync(args[0], null, static (loop, pauses, _, accept) =>
    {
        long turns = loop.GetStatistics().Turns;
        int before = pauses();
        Eventually.True(() => pauses() > before, "a second pause");
        // A readable socket that can't be accepted must not keep the loop busy.
        Assert.InRange(loop.GetStatistics().Turns - turns, 0, 20);
        Assert.False(accept.IsCompleted);
        return Task.CompletedTask;
    });

    /// <summary>The same, and the descriptor is that of a connection which has ended: it is served long before the pause would be over.</summary>
    internal static Task AcceptOnceAConnectionHasEndedAsync(string[] args)
    {
        FakeTimeProvider clock = new();
        return RunOutAsync(args[0], clock, async (_, _, served, accept) =>
        {
            await served.DisposeAsync();
            clock.Advance(Acceptor.PauseAfterAnEnd);
            await accept.WaitAsync(TestTimeout);
        });
    }

    /// <param name="folder">For the socket.</param>
    /// <param name="clock">The loop's; null for the system's.</param>
    /// <param name="meanwhile">While there is none: the loop, how often it has paused, a connection that is open, and the accept that waits. Afterwards there are enough.</param>
    private static async Task RunOutAsync(string folder, TimeProvider? clock, Func<UnixEventLoop, Func<int>, UnixStreamConnection, Task, Task> meanwhile)
    {
        using FullPool pool = await FullPool.StartAsync();
        FakeLogCollector log = new();
        using ILoggerFactory loggers = LoggerFactory.Create(builder => builder.AddProvider(new FakeLoggerProvider(log)));
        await using UnixEventLoop loop = new(new() { LoggerFactory = loggers, TimeProvider = clock });
        await loop.StartAsync();
        UnixSocketAddress address = UnixSocketAddress.FromPath(Path.Combine(folder, "app.sock"));
        await using UnixStreamListener listener = await UnixStreamListener.BindAsync(loop, address);

        // Once with descriptors, so that all is loaded.
        await using (UnixStreamConnection client = await UnixStreamConnection.ConnectAsync(loop, address))
            await (await listener.AcceptAsync())!.DisposeAsync();
        ListenerLog.Paused(loggers.CreateLogger("warm-up"), address, Acceptor.Pause, PosixError.Name(EMFILE));
        int warmUps = Pauses();

        await using UnixStreamConnection openClient = await UnixStreamConnection.ConnectAsync(loop, address);
        await using UnixStreamConnection open = (await listener.AcceptAsync())!;
        using UnixHandle socket = new(PosixError.ThrowIfError(Libc.UnixSocket(SOCK_STREAM), "socket"));
        PosixError.ThrowIfError(NativeAddress.TryForPeer(address, out NativeAddress? native), "address");
        Task<UnixStreamConnection?> accept = listener.AcceptAsync().AsTask();
        int limit = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(LowestFreeDescriptor());
        PosixError.ThrowIfError(Libc.Connect(socket.Descriptor, native!.Bytes), "connect");
        Eventually.True(() => Pauses() > warmUps, "a pause");
        await meanwhile(loop, Pauses, open, accept);
        TestLibc.SetDescriptorLimit(limit);

        await using UnixStreamConnection? served = await accept.WaitAsync(TestTimeout);
        Assert.NotNull(served);

        int Pauses() => log.GetSnapshot().Count(static record => record.Id.Name == "AcceptPaused" && record.Message.Contains("EMFILE", StringComparison.Ordinal));
    }

    private static string ModeOf(string path)
    {
        PosixError.ThrowIfError(Libc.Stat(AT_FDCWD, System.Text.Encoding.UTF8.GetBytes(path), out FileStatus status), path);
        return Convert.ToString(status.Permissions, 8);
    }

    private static int LowestFreeDescriptor()
    {
        int free = PosixError.ThrowIfError(Libc.Open("/dev/null", O_RDONLY), "open");
        Libc.Close(free);
        return free;
    }
}
