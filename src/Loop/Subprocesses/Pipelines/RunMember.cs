using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>One program of a run.</summary>
internal sealed class RunMember(RunMembers run, IRunOwner owner, SubprocessStartInfo startInfo) : IChildConsumer
{
    private RunSpan _span;

    internal SubprocessStartInfo StartInfo => startInfo;

    /// <summary>The start info as it was at the start.</summary>
    internal string Command { get; private set; } = "";

    /// <summary>Null until it is started, or has exited.</summary>
    internal ChildProcess? Child { get; private set; }

    internal bool IsRecorded => _span.IsRecorded;

    /// <summary>Before there is a child: a list that is changed meanwhile throws.</summary>
    internal void Begin(bool recordArguments)
    {
        Command = startInfo.ToString();
        _span = RunSpan.Start(startInfo, recordArguments);
    }

    internal void OnStarted(ChildProcess child)
    {
        Child = child;
        _span.OnStarted(child);
    }

    internal void EndSpan(RunEnd reason, Exception? failure) => _span.End(Child!, reason, failure);

    internal ValueTask EndSpanWithFailureAsync(Exception error) => _span.EndWithFailureAsync(error);

    public IReadSink OpenOutput(bool isError) => owner.OpenOutput(this, isError);

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => owner.OpenInput(writeEnd, child);

    public void OnExited(ChildProcess child)
    {
        Child = child;
        if (run.CountExit())
            owner.OnAllExited();
    }

    public void OnOutputEnded(ChildProcess child) => owner.OnOutputEnded();
}
