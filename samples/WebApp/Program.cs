using UnixLoop;

WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    ContentRootPath = AppContext.BaseDirectory,
});
builder.Services.AddUnixEventLoop();

WebApplication app = builder.Build();

// A command, and what the loop has done so far. A request that is aborted stops the command too.
app.MapGet("/", async (ISubprocessFactory subprocesses, IUnixEventLoop loop, CancellationToken aborted) =>
{
    SubprocessResult system = await subprocesses.RunAsync(
        new SubprocessStartInfo("uname", "-srm"), new SubprocessRunOptions { Timeout = TimeSpan.FromSeconds(5) }, aborted);
    return new { Output = system.EnsureSuccess().Output.Trim(), Exit = system.Exit.ToString(), Loop = loop.GetStatistics() };
});

app.Run();
