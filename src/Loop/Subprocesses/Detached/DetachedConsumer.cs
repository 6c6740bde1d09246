using System.Diagnostics;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Nobody: a detached child has no pipes, and its exit is nobody's business.</summary>
internal sealed class DetachedConsumer : IChildConsumer
{
    internal static DetachedConsumer Instance { get; } = new();

    public IReadSink OpenOutput(bool isError) => throw new UnreachableException();

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => throw new UnreachableException();

    public void OnExited(ChildProcess child)
    {
    }

    public void OnOutputEnded(ChildProcess child)
    {
    }
}
