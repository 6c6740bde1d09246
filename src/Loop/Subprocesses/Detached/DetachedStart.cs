namespace UnixLoop.Subprocesses;

// A double fork would give the child to init at once, but there is no forking here, and no helper program. So the child is ours
// while we live: its watcher, or the orphan queue once the loop has ended, reaps it at its end, in silence, and nobody else
// could. When we end first the kernel gives it to init, or to the nearest subreaper, as any orphan.
/// <summary>Starts a child that is left alone afterwards.</summary>
internal static class DetachedStart
{
    /// <returns>The pid.</returns>
    internal static ValueTask<int> StartAsync(SubprocessLauncher launcher, SubprocessStartInfo startInfo, CancellationToken cancellationToken)
    {
        Check(startInfo);
        RunStreams streams = new(startInfo.Input ?? Stdio.Null, startInfo.Output ?? Stdio.Null, startInfo.Error ?? Stdio.Null);
        ValueTask<ChildProcess> launched = launcher.LaunchAsync(startInfo.WithGroup(ProcessGroup.NewSession), streams, DetachedConsumer.Instance, cancellationToken);
        return launched.IsCompletedSuccessfully ? ValueTask.FromResult(launched.Result.Id) : new ValueTask<int>(AwaitAsync(launched.AsTask()));
    }

    private static async Task<int> AwaitAsync(Task<ChildProcess> launched)
    {
        await ((Task)launched).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // What follows is the caller's code: not on the thread that launched.
        if (LaunchThread.IsCurrent)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return (await launched.ConfigureAwait(false)).Id;
    }

    private static void Check(SubprocessStartInfo startInfo)
    {
        CheckStream(startInfo.Input, nameof(startInfo.Input));
        CheckStream(startInfo.Output, nameof(startInfo.Output));
        CheckStream(startInfo.Error, nameof(startInfo.Error));
        if (startInfo.ProcessGroup is not (ProcessGroup.Default or ProcessGroup.NewSession))
            throw Refuse(nameof(startInfo.ProcessGroup), $"{startInfo.ProcessGroup}", "a detached child has a session of its own");
        if (startInfo.Attributes?.ParentDeathSignal is { } signal)
            throw Refuse($"{nameof(startInfo.Attributes)}.{nameof(SubprocessAttributes.ParentDeathSignal)}", $"{signal}", "a detached child outlives us");
    }

    private static void CheckStream(Stdio? stream, string property)
    {
        if (stream?.Kind is StdioKind.Pipe or StdioKind.Pty)
            throw Refuse(property, $"{stream}", "nobody would be at its other end");
    }

    private static ArgumentException Refuse(string property, string value, string why) =>
        new($"{nameof(SubprocessStartInfo)}: {property} is '{value}'; {why}.");
}
