using UnixLoop;
using WebApp.Authentication;

namespace WebApp.Endpoints;

internal static class Commands
{
    private const int LongestName = 64;

    internal static void MapCommands(this WebApplication app) =>
        app.MapPost("/run", RunAsync).RequireAuthorization(AllowedPeers.Policy);

    /// <summary>When the client goes away the loop over the lines ends, and with it the command.</summary>
    private static async Task RunAsync(HttpContext context, ISubprocessFactory subprocesses, WebAppOptions options)
    {
        using StreamReader body = new(context.Request.Body);
        char[] name = new char[LongestName];
        int length = await body.ReadBlockAsync(name, context.RequestAborted);
        string command = new string(name, 0, length).Trim();
        if (!options.Commands.TryGetValue(command, out string[]? words) || words.Length == 0)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await context.Response.WriteAsync($"No command '{command}'; there are: {string.Join(", ", options.Commands.Keys)}.\n", context.RequestAborted);
            return;
        }
        context.Response.ContentType = "text/plain; charset=utf-8";
        await foreach (SubprocessLine line in subprocesses.ReadLinesAsync(new SubprocessStartInfo(words[0], words[1..]), cancellationToken: context.RequestAborted))
        {
            await context.Response.WriteAsync($"{line.Text}\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}
