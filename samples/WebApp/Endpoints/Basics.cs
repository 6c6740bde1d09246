using UnixLoop;
using UnixLoop.Hosting;

namespace WebApp.Endpoints;

internal static class Basics
{
    private const string Contents = """
        GET  /            this
        GET  /plaintext   hello
        GET  /json        {"message":"hello"}
        GET  /whoami      the client's pid, uid and gid on the Unix socket; "tcp" otherwise
        GET  /slow?ms=    answers later; holds no thread
        GET  /block?ms=   answers later; blocks its thread on purpose
        POST /upload      the body's SHA-256
        GET  /download?bytes=
        GET  /ws          a web socket that echoes
        POST /run         the name of a command (WebApp:Commands): its output, as it comes
        GET  /processes   the supervised processes, and what the loop has done
        GET  /healthz     ready: no while draining
        GET  /livez       live: yes whenever it answers
        GET  /metrics     for Prometheus

        """;

    internal static void MapBasics(this WebApplication app)
    {
        app.MapGet("/", () => Contents);
        app.MapGet("/plaintext", () => "hello");
        app.MapGet("/json", () => new { Message = "hello" });
        app.MapGet("/whoami", (HttpContext context) =>
            context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials is { } peer ? $"pid {peer.ProcessId} uid {peer.UserId} gid {peer.GroupId}\n" : "tcp\n");
        app.MapGet("/slow", async (int ms, CancellationToken aborted) =>
        {
            if (!IsTime(ms))
                return NoTime(ms);
            await Task.Delay(ms, aborted);
            return Results.Text($"{ms} ms later\n");
        });
        app.MapGet("/block", (int ms) =>
        {
            if (!IsTime(ms))
                return NoTime(ms);
            Thread.Sleep(ms);
            return Results.Text($"{ms} ms later\n");
        });
        app.MapGet("/processes", (ISupervisor supervisor, IUnixEventLoop loop) => new
        {
            Processes = supervisor.GetProcesses().Select(process => new { process.Name, State = process.State.ToString(), process.ProcessId }),
            Loop = loop.GetStatistics(),
        });
    }

    private static bool IsTime(int ms) => ms is >= 0 and <= 60_000;

    private static IResult NoTime(int ms) => Results.BadRequest($"ms is {ms}; it must be between 0 and 60000.\n");
}
