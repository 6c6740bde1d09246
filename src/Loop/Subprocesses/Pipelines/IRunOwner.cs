using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>A run of one or more children: what becomes of their streams and exits.</summary>
internal interface IRunOwner
{
    /// <summary>As <see cref="IChildConsumer.OpenOutput"/>.</summary>
    IReadSink OpenOutput(RunMember member, bool isError);

    /// <summary>As <see cref="IChildConsumer.OpenInput"/>; the first member's alone.</summary>
    IPump OpenInput(UnixHandle writeEnd, ChildProcess child);

    /// <summary>The last of the members has been reaped; may come before the members' start has returned.</summary>
    void OnAllExited();

    /// <summary>One of the output streams has ended.</summary>
    void OnOutputEnded();
}
