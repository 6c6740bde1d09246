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

    /// <summary>A refused bind tells of the other who must have been faster; what stands in the way is looked at through a lock file's descriptor.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is AddressInUseException && fault.Function is "statx" or "bind"
        || exception is IOException { InnerException: AddressInUseException } && fault.Function is "statx" or "bind"
        || exception is IOException && fault.Function == "statx" && exception.HResult == EINVAL;

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
                stopping.Unregister();
                await app.StopAsync();
            }
            // What can't be looked at can't be shown to be ours, and stays (linux.md, rule 25).
            rig.Expect(rig.Fault is { Function: "statx" or "unlinkat" or "openat" } || !File.Exists(path), "the socket's file is gone");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
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
            await context.Request.Body.CopyToAsync(body);
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
        int received = 0, wanted = int.MaxValue;
        while (received < wanted)
        {
            int count = await client.ReceiveAsync(answer.AsMemory(received)).AsTask().WaitAsync(Campaign.Bound);
            if (count == 0)
                break;
            received += count;
            int end = answer.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
                wanted = end + 4 + body.Length;
        }
        await sending;
        if (received < wanted)
            return false;
        rig.Expect(answer.AsSpan().StartsWith("HTTP/1.1 200"u8) && answer.AsSpan((wanted - body.Length)..wanted).SequenceEqual(body), "a whole answer is the right one");
        return true;
    }

    private static async Task<bool> FinishAsync(Rig rig, Socket client)
    {
        client.Shutdown(SocketShutdown.Send);
        int count = await client.ReceiveAsync(new byte[1].AsMemory()).AsTask().WaitAsync(Campaign.Bound);
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
