using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using UnixLoop.Hosting.Interop;

namespace UnixLoop.Hosting;

/// <summary>
/// The end of a process whose shutdown hangs (linux.md, rule 18): the log is flushed for at most 1 s, then _exit(2), because
/// Environment.Exit runs handlers that may be what hangs.
/// </summary>
internal sealed class ForcedExit(ILoggerFactory factory, IEnumerable<ILoggerProvider> providers)
{
    private static readonly TimeSpan FlushBound = TimeSpan.FromSeconds(1);

    /// <summary>A shell's number for a process that a signal ended.</summary>
    internal static int CodeFor(UnixSignal signal) => 128 + signal.Number;

    [DoesNotReturn]
    internal void Now(int exitCode, Action tell)
    {
        // A log may be what hangs, as a console whose reader has stopped reading: who writes to it blocks.
        IAsyncResult told = Task.Factory.StartNew(tell, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        told.AsyncWaitHandle.WaitOne(FlushBound / 2);
        FlushLog();
        Libc.Exit(exitCode);
    }

    /// <summary>
    /// Disposing is the only flush that a logger provider has. The factory does not dispose the providers that dependency injection
    /// made, so each is asked, on a thread of its own: one that hangs must not keep the others from writing, and the pool may be
    /// exhausted. One that throws is as good as flushed: there is nowhere left to say so.
    /// </summary>
    private void FlushLog()
    {
        IEnumerable<IDisposable> targets = [.. providers, factory];
        IAsyncResult all = Task.WhenAll(targets.Select(static target => Task.Factory.StartNew(
            target.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        all.AsyncWaitHandle.WaitOne(FlushBound / 2);
    }
}
