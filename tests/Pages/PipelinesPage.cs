namespace UnixLoop.Pages;

internal static class PipelinesPage
{
    internal static async Task JoinedAsync(ISubprocessFactory children, CancellationToken cancellationToken)
    {
        SubprocessPipeline longest = new(
            new("find", "/var/log", "-name", "*.log"),
            new("xargs", "wc", "-l"),
            new("sort", "-n"));
        SubprocessResult result = await children.RunAsync(longest, cancellationToken: cancellationToken);
        Console.Write(result.EnsureSuccess().Output);
    }

    internal static async Task<SubprocessResult> TargetsAsync(ISubprocessFactory children, ILogger logger, CancellationToken cancellationToken)
    {
        await using FileStream archive = File.Create("/srv/backup.gz");
        SubprocessResult packed = await children.RunAsync(
            new("gzip", "-c"),
            new()
            {
                Input = SubprocessInput.FromLines(ReadRowsAsync()),
                Output = SubprocessOutput.ToStream(archive),
                Error = SubprocessOutput.ToLines((line, _) => { logger.LogWarning("gzip: {Line}", line.Text); return ValueTask.CompletedTask; }),
            },
            cancellationToken);
        return packed;
    }

    internal static async Task<SubprocessResult> ShellAsync(ISubprocessFactory children, string pattern)
    {
        SubprocessResult found = await children.RunAsync(SubprocessStartInfo.Shell("grep -c \"$1\" *.log | sort -t: -k2 -n", pattern));
        return found;
    }

    internal static async Task<ChildExitStatus> TreeAsync(ISubprocess child, ILogger logger)
    {
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await child.StopTreeAsync(TimeSpan.FromSeconds(5));
        foreach (SurvivingProcess survivor in survivors)
            logger.LogWarning("{Name} ({Pid}) has outlived its parent's stop", survivor.Name, survivor.Id);
        return exit;
    }

    internal static async Task<ChildExitStatus> DetachedAsync(ISubprocessFactory children, CancellationToken cancellationToken)
    {
        int pid = await children.StartDetachedAsync(new("/usr/local/bin/indexer", "--once") { Output = Stdio.File("/var/log/indexer.log", append: true), Error = Stdio.AsOutput }, cancellationToken);

        using IWatchedProcess leader = children.WatchProcess(pid);
        ChildExitStatus end = await leader.WaitForExitAsync(cancellationToken);
        return end;
    }

    private static async IAsyncEnumerable<string> ReadRowsAsync()
    {
        await Task.Yield();
        yield return "row";
    }
}
