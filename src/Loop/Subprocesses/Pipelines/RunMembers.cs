using Microsoft.Extensions.Logging;

namespace UnixLoop.Subprocesses;

/// <summary>The children of one run, seen as one: a single program, or the members of a pipeline.</summary>
internal sealed class RunMembers : IStoppable
{
    private readonly RunMember[] _members;
    private int _living;

    internal RunMembers(IRunOwner owner, IReadOnlyList<SubprocessStartInfo> programs)
    {
        _members = new RunMember[programs.Count];
        for (int i = 0; i < _members.Length; i++)
            _members[i] = new RunMember(this, owner, programs[i]);
        _living = _members.Length;
    }

    internal ReadOnlySpan<RunMember> All => _members;

    internal int Count => _members.Length;

    internal RunMember First => _members[0];

    internal RunMember Last => _members[^1];

    public bool HasExited => Volatile.Read(ref _living) == 0;

    /// <summary>Output streams that have not reached their end.</summary>
    internal int OpenOutputs
    {
        get
        {
            int open = 0;
            foreach (RunMember member in _members)
                open += member.Child!.OpenOutputs;
            return open;
        }
    }

    internal string Command => string.Join(" | ", _members.Select(member => member.Command));

    /// <summary>Starts all of them, or none; each has its span.</summary>
    internal async Task StartAsync(SubprocessLauncher launcher, SubprocessRunOptions options, bool recordArguments, CancellationToken cancellationToken)
    {
        try
        {
            foreach (RunMember member in _members)
                member.Begin(recordArguments);
            RunStreams open = new(options.Input is null ? Stdio.Null : Stdio.Pipe, Stdio.Pipe, Stdio.Pipe);
            ChildProcess[] children = await PipelineLauncher
                .LaunchAsync(launcher, Array.ConvertAll(_members, member => member.StartInfo), _members, open, Command, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < children.Length; i++)
                _members[i].OnStarted(children[i]);
        }
        catch (Exception e)
        {
            await EndSpansWithFailureAsync(e).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As pipefail of a shell: the last one that failed, or the last one.</summary>
    internal int IndexOfDeciding()
    {
        for (int i = _members.Length - 1; i >= 0; i--)
        {
            if (!_members[i].Child!.ExitStatus!.Value.IsSuccess)
                return i;
        }
        return _members.Length - 1;
    }

    /// <summary>" (2 of 3 in 'a | b | c')"; empty for a single program.</summary>
    internal string PlaceOf(int index) => _members.Length == 1 ? "" : $" ({index + 1} of {_members.Length} in '{Command}')";

    /// <summary>True for the last one.</summary>
    internal bool CountExit() => Interlocked.Decrement(ref _living) == 0;

    public Task StopAsync(TimeSpan grace) =>
        Task.WhenAll(Array.ConvertAll(_members, member => (Task)member.Child!.StopAsync(grace, CancellationToken.None)));

    /// <summary>As <see cref="StopAsync"/>; those that can't be stopped are logged.</summary>
    internal Task StopQuietlyAsync(TimeSpan grace) =>
        Task.WhenAll(Array.ConvertAll(_members, member => member.Child!.StopQuietlyAsync(grace, CancellationToken.None)));

    internal Task WaitForExitAsync() => Task.WhenAll(Array.ConvertAll(_members, member => (Task)member.Child!.Exited));

    internal void CloseStreams()
    {
        foreach (RunMember member in _members)
            member.Child!.CloseStreams(null);
    }

    internal void CloseOutputs()
    {
        foreach (RunMember member in _members)
            member.Child!.CloseOutputs();
    }

    /// <summary>What still holds an output pipe is no member: it is closed.</summary>
    internal void CutOff(ILogger logger, TimeSpan bound)
    {
        foreach (RunMember member in _members)
        {
            if (member.Child is { OpenOutputs: > 0 } child)
                SubprocessLog.OutputCutOff(logger, child.FileName, child.Id, bound);
        }
        CloseOutputs();
    }

    internal void EndSpans(RunEnd reason, Exception? failure)
    {
        foreach (RunMember member in _members)
            member.EndSpan(reason, failure);
    }

    internal async ValueTask EndSpansWithFailureAsync(Exception error)
    {
        foreach (RunMember member in _members)
            await member.EndSpanWithFailureAsync(error).ConfigureAwait(false);
    }
}
