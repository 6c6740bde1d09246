using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Pages;

internal static class SubprocessesPage
{
    internal static async Task RunAsync()
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        using var watcher = new PidfdChildWatcher();
        watcher.Attach(loop);
        await using var children = new SubprocessFactory(loop, watcher);      // with a host: inject ISubprocessFactory

        SubprocessResult df = await children.RunAsync(new("df", "-h", "/"));
        Console.Write(df.EnsureSuccess().Output);
    }

    internal static SubprocessStartInfo StartInfo()
    {
        using SafeFileHandle config = File.OpenHandle("/etc/app.conf");
        SubprocessStartInfo info = new("worker", "--config", "/dev/fd/3")
        {
            WorkingDirectory = "/srv/worker",
            Environment = { ["LC_ALL"] = "C", ["DEBUG"] = null },      // set, and removed
            Output = Stdio.File("/var/log/worker.log", append: true),
            Error = Stdio.AsOutput,
            Descriptors = { [3] = config },                            // borrowed until the start is done
        };
        return info;
    }

    internal static async Task SortAsync(ISubprocessFactory children, ILogger logger, CancellationToken cancellationToken)
    {
        SubprocessResult sorted = await children.RunAsync(
            new("sort", "-n"),
            new() { Input = SubprocessInput.FromText("10\n9\n"), Timeout = TimeSpan.FromSeconds(5), MaxOutputBytes = 1 << 20 },
            cancellationToken);
        if (sorted.Truncated || !sorted.Exit.IsSuccess)
            logger.LogWarning("sort: {Exit}, {Error}", sorted.Exit, sorted.Error);
    }

    internal static async Task LinesAsync(ISubprocessFactory children, CancellationToken cancellationToken)
    {
        await foreach (SubprocessLine line in children.ReadLinesAsync(new("journalctl", "-f"), cancellationToken: cancellationToken))
        {
            Console.WriteLine(line.IsError ? $"! {line.Text}" : line.Text);
            if (line.Text.Contains("shutdown"))
                break;                                  // stops the child
        }
    }
}
