using System.Runtime.ExceptionServices;

namespace UnixLoop.Subprocesses;

// From left to right, but none waits for the one before, which may be opening a FIFO: as in a shell, where each member opens its
// files itself. One that can't be started takes the others along, those that still wait included.
/// <summary>Starts the members of a pipeline: all of them, or none.</summary>
internal sealed class PipelineLauncher
{
    private readonly SubprocessLauncher _launcher;
    private readonly IReadOnlyList<SubprocessStartInfo> _programs;
    private readonly IReadOnlyList<IChildConsumer> _consumers;
    private readonly RunStreams _open;
    private readonly string _command;
    private readonly CancellationTokenSource _failed;
    private readonly PipelineJoint?[] _joints; // [i] lies between member i and the next
    private readonly List<Task<ChildProcess>> _starts = [];

    private PipelineLauncher(
        SubprocessLauncher launcher, IReadOnlyList<SubprocessStartInfo> programs, IReadOnlyList<IChildConsumer> consumers, RunStreams open, string command,
        CancellationTokenSource failed)
    {
        _launcher = launcher;
        _programs = programs;
        _consumers = consumers;
        _open = open;
        _command = command;
        _failed = failed;
        _joints = new PipelineJoint?[programs.Count];
    }

    /// <summary>Starts them as <see cref="SubprocessLauncher.LaunchAsync"/> does; whoever was started before a failure is killed and reaped.</summary>
    /// <param name="launcher">Starts one.</param>
    /// <param name="programs">What to start.</param>
    /// <param name="consumers">For each of them.</param>
    /// <param name="open">What streams are that a start info leaves null: the first one's input, the last one's output, everybody's error.</param>
    /// <param name="command">All of them as they were at the call, for an error's text.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    internal static async Task<ChildProcess[]> LaunchAsync(
        SubprocessLauncher launcher, IReadOnlyList<SubprocessStartInfo> programs, IReadOnlyList<IChildConsumer> consumers, RunStreams open,
        string command, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pipeline = new PipelineLauncher(launcher, programs, consumers, open, command, failed);
        Task<ChildProcess[]> all = pipeline.StartAll();
        await ((Task)all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (all.IsCompletedSuccessfully)
            pipeline.LeaveJoints(all.Result);
        else
            await pipeline.DestroyAsync().ConfigureAwait(false);
        // What follows may be the caller's code.
        if (LaunchThread.IsCurrent)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return all.IsCompletedSuccessfully ? all.Result : throw pipeline.Failure(cancellationToken);
    }

    private Task<ChildProcess[]> StartAll()
    {
        for (int i = 0; i < _programs.Count && !_failed.IsCancellationRequested; i++)
            _starts.Add(StartAsync(i));
        // Cancelled in between: those that were started go down, as after a failure.
        if (_starts.Count < _programs.Count)
            _starts.Add(Task.FromCanceled<ChildProcess>(_failed.Token));
        return Task.WhenAll(_starts);
    }

    private async Task<ChildProcess> StartAsync(int index)
    {
        try
        {
            SubprocessStartInfo program = _programs[index];
            PipelineJoint? before = index > 0 ? _joints[index - 1] : null;
            PipelineJoint? after = _joints[index] = index + 1 < _programs.Count ? PipelineJoint.Open(program, _launcher.Services) : null;
            RunStreams streams = new(
                before is null ? program.Input ?? _open.Input : Stdio.Descriptor(before.ReadEnd),
                after is null ? program.Output ?? _open.Output : Stdio.Descriptor(after.WriteEnd),
                program.Error ?? _open.Error);
            ChildProcess child = await _launcher.LaunchAsync(program, streams, _consumers[index], _failed.Token).ConfigureAwait(false);
            // Our copies must go as well, or the reader would never see the end, nor the writer that nobody reads.
            before?.ReadEnd.Dispose();
            after?.WriteEnd.Dispose();
            return child;
        }
        catch
        {
            await _failed.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void LeaveJoints(ChildProcess[] children)
    {
        for (int i = 0; i + 1 < children.Length; i++)
            _joints[i]!.LeaveTo(children[i], children[i + 1]);
    }

    private async Task DestroyAsync()
    {
        foreach (PipelineJoint? joint in _joints)
            joint?.Dispose();
        foreach (Task<ChildProcess> start in _starts)
        {
            if (start.IsCompletedSuccessfully)
                await start.Result.DestroyAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What went wrong first from the left; those that were cancelled for it don't count.</summary>
    private Exception Failure(CancellationToken cancellationToken)
    {
        int index = _starts.FindIndex(static start => start.IsFaulted);
        if (index < 0)
            return new OperationCanceledException(cancellationToken);
        Exception failure = _starts[index].Exception!.InnerException!;
        if (failure is SubprocessStartException start && _programs.Count > 1)
            return new SubprocessStartException($"{start.Message} ({index + 1} of {_programs.Count} in '{_command}')", start.Reason, start.FileName, start.ErrorName, start.HResult);
        ExceptionDispatchInfo.Throw(failure);
        return failure;
    }
}
