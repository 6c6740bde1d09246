using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>What becomes of a child's streams and of its exit: a handle's pipes, a capture, or lines.</summary>
internal interface IChildConsumer
{
    /// <summary>Takes what the child writes to a stream that is a pipe. Called before the child can be heard of.</summary>
    IReadSink OpenOutput(bool isError);

    /// <summary>Feeds the child's standard input where that is a pipe. Called before the child can be heard of.</summary>
    IPump OpenInput(UnixHandle writeEnd, ChildProcess child);

    /// <summary>Whether output may lie in the pipe for a moment, since nobody sees it before the end.</summary>
    bool MayReadLater => false;

    /// <summary>The child has been reaped, and what it had written has been read, except where another process still holds a pipe.</summary>
    void OnExited(ChildProcess child);

    /// <summary>One of the output streams has ended, before the exit or after it.</summary>
    void OnOutputEnded(ChildProcess child);
}
