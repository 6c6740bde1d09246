namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>The examples of docs/subprocesses.md.</summary>
public sealed class DocumentationExampleTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Examples_OfThePage_Work()
    {
        CancellationToken cancellationToken = CancellationToken.None;
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        using var watcher = new PidfdChildWatcher();
        watcher.Attach(loop);
        await using var children = new SubprocessFactory(loop, watcher);

        SubprocessResult df = await children.RunAsync(new("df", "-h", "/"));
        Assert.NotEmpty(df.EnsureSuccess().Output);

        SubprocessResult sorted = await children.RunAsync(
            new("sort", "-n"),
            new() { Input = SubprocessInput.FromText("10\n9\n"), Timeout = TimeSpan.FromSeconds(5), MaxOutputBytes = 1 << 20 },
            cancellationToken);
        Assert.Equal("9\n10\n", sorted.Output);

        int lines = 0;
        await foreach (SubprocessLine line in children.ReadLinesAsync(new("sh", "-c", "echo a; echo shutdown; exec sleep 1000"), cancellationToken: cancellationToken))
        {
            lines++;
            if (line.Text.Contains("shutdown", StringComparison.Ordinal))
                break;
        }
        Assert.Equal(2, lines);
    }
}
