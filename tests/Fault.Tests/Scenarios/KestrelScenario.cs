using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Hosting;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>
/// A host with Kestrel on the loop, and clients whose sockets are .NET's own, which meet no faults: two requests on one connection,
/// a large body both ways, a half-close, a client that is gone in the middle, and the host's stop. Bind, accept, read, write, close.
/// </summary>
internal sealed class KestrelScenario(ApplicationScheduling scheduling) : Scenario
{
    private const string LoopName = "unix-loop";
    private const int BodyBytes = 400_000;
    private static readonly byte[] s_body = [.. Enumerable.Range(0, BodyBytes).Select(i => (byte)(i ^ (i >> 8)))];

    internal override string Name => $"Kestrel, {scheduling}";

    // EAGAIN although a connection waits does not happen, ENOTCONN neither; of those that make accepting pause for a second, one
    // stands for all. A socket can always be polled.
    internal override bool CanHappen(string function, int errno) => function switch
    {
        "accept4" => errno == ECONNABORTED || errno == EINTR || errno == EMFILE,
        "shutdown" => errno != ENOTCONN,
        "epoll_ctl EPOLL_CTL_ADD" => errno != EPERM,
        "flock" => errno != EAGAIN,
        _ => true,
    };

    /// <summary>
    /// A refused bind tells of the other who must have been faster; what stands in the way is looked at through a lock file's descriptor; a start is
    /// cancelled when its loop has died.
    /// </summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is IOException { InnerException: AddressInUseException } && fault.Function is "statx" or "bind" or "listen"
        || exception is IOException && fault.Function == "statx" && exception.HResult == EINVAL
        || exception is OperationCanceledException && fault is { Function: "epoll_wait", Kind: FaultKind.Fail };

    internal override async Task RunAsync(Rig rig)
    {
        string folder = Directory.CreateTempSubdirectory("unixloop-fault-").FullName;
        string path = Path.Combine(folder, "web.sock");
        bool hasStarted = false;
        try
        {
            await using (WebApplication app = Build(rig, path))
            {
                await app.StartAsync();
                hasStarted = true;
                using CancellationTokenRegistration stopping = app.Lifetime.ApplicationStopping.Register(() => rig.Expect(rig.LoopMayFault, "the host goes on"));
                await VisitAsync(rig, path);
                rig.Expect(
                    !rig.Log.Has("LoopFaulted") || Eventually.TryWait(() => app.Lifetime.ApplicationStopping.IsCancellationRequested, Campaign.Bound),
                    "the host is told that its loop has died, and stops");
                stopping.Unregister();
                await app.StopAsync();
            }
            // What can't be looked at can't be shown to be ours, and stays (linux.md, rule 25).
            rig.Expect(rig.Fault is { Function: "statx" or "unlinkat" or "openat" } || !File.Exists(path), "the socket's file is gone");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            // A loop that dies in its own start fails the host's, and nobody watches it yet.
            int exitCode = rig.Log.Has("LoopFaulted") && rig.Log.Has("LoopStarted") ? 1 : 0;
            rig.Expect(Eventually.TryWait(() => Environment.ExitCode == exitCode, Campaign.Bound), $"the exit code is {exitCode}: {Environment.ExitCode}");
            Environment.ExitCode = 0;
            rig.Expect(!hasStarted || rig.LoopMayFault || rig.Log.Errors == 0, $"no error is logged: {rig.Log}");
            string left = "";
            rig.Expect(Eventually.TryWait(() => (left = OwnThreads.Running(LoopName)).Length == 0, Campaign.Bound), $"the host's threads have ended: {left}");
        }
    }

    private WebApplication Build(Rig rig, string path)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<ILoggerFactory>(rig.Log);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = Campaign.Bound / 2);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.ListenUnixSocket(path));
        builder.Services.AddUnixEventLoop().UseKestrelTransport(options => options.ApplicationScheduling = scheduling);
        WebApplication app = builder.Build();
        app.Run(static async context =>
        {
            using MemoryStream body = new();
            try
            {
                await context.Request.Body.CopyToAsync(body);
            }
            catch (IOException)
            {
                context.Abort(); // the client has gone, or its connection is lost
                return;
            }
            context.Response.ContentLength = body.Length;
            await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length));
        });
        return app;
    }

    private static async Task VisitAsync(Rig rig, string path)
    {
        // The fault comes once: whatever it has done to the first, the next are served.
        for (int client = 0, served = 0; served < 2; client++)
        {
            bool isWhole = await TalkAsync(rig, path);
            served += isWhole ? 1 : 0;
            if (!isWhole && rig.LoopMayFault)
                return;
            if (client - served >= 2)
            {
                rig.Expect(false, "no more than two clients are turned away by one fault");
                return;
            }
            if (served == 1)
                await LeaveAsync(path);
        }
    }

    /// <summary>Two requests and a half-close; false if the connection ended early.</summary>
    private static async Task<bool> TalkAsync(Rig rig, string path)
    {
        try
        {
            using Socket client = await ConnectAsync(path);
            return await RequestAsync(rig, client, []) && await RequestAsync(rig, client, s_body) && await FinishAsync(rig, client);
        }
        catch (SocketException)
        {
            return false; // reset, or nobody there any more
        }
    }

    private static async Task<bool> RequestAsync(Rig rig, Socket client, byte[] body)
    {
        byte[] head = Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: fault\r\nContent-Length: {body.Length}\r\n\r\n");
        Task sending = Task.Run(async () =>
        {
            await SendAsync(client, head);
            await SendAsync(client, body);
        });
        byte[] answer = new byte[body.Length + 1024];
        int received = 0, wanted = int.MaxValue, count;
        try
        {
            while (received < wanted && (count = await ReceiveAsync(rig, client, answer.AsMemory(received))) > 0)
            {
                received += count;
                int end = answer.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
                if (end >= 0)
                    wanted = end + 4 + body.Length;
                ExpectRight(rig, answer.AsSpan(0, received), body, wanted - body.Length);
            }
        }
        finally
        {
            if (received < wanted)
                client.Close();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return received == wanted;
    }

    /// <summary>What has come is the right answer, or how that begins.</summary>
    private static void ExpectRight(Rig rig, ReadOnlySpan<byte> received, byte[] body, int bodyAt)
    {
        ReadOnlySpan<byte> status = "HTTP/1.1 200 OK\r\n"u8;
        rig.Expect(received[..Math.Min(received.Length, status.Length)].SequenceEqual(status[..Math.Min(received.Length, status.Length)]), "the answer says 200");
        if (received.Length < bodyAt)
            return;
        rig.Expect(received[..bodyAt].IndexOf(Encoding.ASCII.GetBytes($"\r\nContent-Length: {body.Length}\r\n")) > 0, "the answer tells its length");
        rig.Expect(body.AsSpan().StartsWith(received[bodyAt..]), "what comes back is what was sent, and no more");
    }

    /// <summary>EPIPE and ECONNRESET say that the client has gone: that becomes true once it has waited in vain.</summary>
    private static async Task<int> ReceiveAsync(Rig rig, Socket client, Memory<byte> buffer)
    {
        bool leaves = rig.Fault is { Function: "send" or "sendmsg", Errno: var errno } && (errno == EPIPE || errno == ECONNRESET);
        try
        {
            return await client.ReceiveAsync(buffer).AsTask().WaitAsync(leaves ? TimeSpan.FromSeconds(1) : Campaign.Bound / 2);
        }
        catch (TimeoutException) when (leaves)
        {
            return 0;
        }
    }

    private static async Task<bool> FinishAsync(Rig rig, Socket client)
    {
        client.Shutdown(SocketShutdown.Send);
        int count = await ReceiveAsync(rig, client, new byte[1]);
        rig.Expect(count == 0, "after the last request comes the end");
        return true;
    }

    /// <summary>In the middle of a body, with an answer that nobody reads.</summary>
    private static async Task LeaveAsync(string path)
    {
        try
        {
            using Socket client = await ConnectAsync(path);
            await SendAsync(client, "POST / HTTP/1.1\r\nHost: fault\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1\r\nHost: fault\r\nContent-Length: 9\r\n\r\n1"u8.ToArray());
        }
        catch (SocketException)
        {
            // The fault was this client's.
        }
    }

    private static async Task<Socket> ConnectAsync(string path)
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path)).WaitAsync(Campaign.Bound);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static async Task SendAsync(Socket client, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await client.SendAsync(bytes).AsTask().WaitAsync(Campaign.Bound)..];
    }
}
