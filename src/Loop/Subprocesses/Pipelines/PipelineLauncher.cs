namespace UnixLoop.Subprocesses;

/// <summary>Starts the members of a pipeline from left to right: all of them, or none.</summary>
internal static class PipelineLauncher
{
    /// <summary>Starts them as <see cref="SubprocessLauncher.LaunchAsync"/> does; whoever was started before a failure is killed and reaped.</summary>
    /// <param name="launcher">Starts one.</param>
    /// <param name="programs">What to start.</param>
    /// <param name="consumers">For each of them.</param>
    /// <param name="open">What streams are that a start info leaves null: the first one's input, the last one's output, everybody's error.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    internal static async Task<ChildProcess[]> LaunchAsync(
        SubprocessLauncher launcher, IReadOnlyList<SubprocessStartInfo> programs, IReadOnlyList<IChildConsumer> consumers, RunStreams open,
        CancellationToken cancellationToken)
    {
        var children = new ChildProcess[programs.Count];
        PipelineJoint? before = null, after = null;
        int next = 0;
        try
        {
            for (; next < programs.Count; next++)
            {
                SubprocessStartInfo program = programs[next];
                after = next + 1 < programs.Count ? PipelineJoint.Open(program, launcher.Services) : null;
                RunStreams streams = new(
                    before is null ? program.Input ?? open.Input : Stdio.Descriptor(before.ReadEnd),
                    after is null ? program.Output ?? open.Output : Stdio.Descriptor(after.WriteEnd),
                    program.Error ?? open.Error);
                children[next] = await launcher.LaunchAsync(program, streams, consumers[next], cancellationToken).ConfigureAwait(false);
                // Our copy of the write end must go as well, or the reader would never see the end.
                after?.WriteEnd.Dispose();
                before?.LeaveTo(children[next - 1], children[next]);
                (before, after) = (after, null);
            }
            await LeaveLaunchThreadAsync().ConfigureAwait(false);
            return children;
        }
        catch (Exception e)
        {
            before?.Dispose();
            after?.Dispose();
            for (int i = 0; i < next; i++)
                await children[i].DestroyAsync().ConfigureAwait(false);
            await LeaveLaunchThreadAsync().ConfigureAwait(false);
            if (e is SubprocessStartException failure && programs.Count > 1)
                throw Locate(failure, programs, next);
            throw;
        }
    }

    /// <summary>What follows may be the caller's code.</summary>
    private static async ValueTask LeaveLaunchThreadAsync()
    {
        if (LaunchThread.IsCurrent)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }

    private static SubprocessStartException Locate(SubprocessStartException failure, IReadOnlyList<SubprocessStartInfo> programs, int index) =>
        new($"{failure.Message} ({index + 1} of {programs.Count} in '{string.Join(" | ", programs)}')", failure.Reason, failure.FileName, failure.ErrorName, failure.HResult);
}
