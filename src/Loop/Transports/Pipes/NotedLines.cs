namespace UnixLoop.Transports.Pipes;

/// <summary>
/// Log lines that are noted under a lock and written once it is free and whoever waits has been told: a logger is somebody else's
/// code, which may be slow, or come back to us on another thread and wait for that.
/// </summary>
internal struct NotedLines
{
    private Line? _newest;

    /// <summary>Under a lock, or not.</summary>
    internal void Add(Action write)
    {
        Line line = new(write);
        do
            line.Before = _newest;
        while (Interlocked.CompareExchange(ref _newest, line, line.Before) != line.Before);
    }

    /// <summary>
    /// Notes what a call on <paramref name="pump"/>'s pipe threw: who awaits its other end may go on in a context that takes no more work.
    /// The pump goes on, and its owner is told of an end all the same.
    /// </summary>
    internal void AddLostAwaiter(UnixEventLoop loop, IPump pump, Exception e) =>
        Add(() => loop.ReportUnhandled(new UnhandledExceptionContext($"The context where the user of {pump} was to go on failed", e, pump)));

    /// <summary>Without a lock, as the last thing that a call does. What another thread has noted meanwhile is written too.</summary>
    internal void Write()
    {
        if (Volatile.Read(ref _newest) is null)
            return;
        Line? oldest = null;
        for (Line? line = Interlocked.Exchange(ref _newest, null); line is not null;)
            (line.Before, oldest, line) = (oldest, line, line.Before);
        for (; oldest is not null; oldest = oldest.Before)
            oldest.Write();
    }

    private sealed class Line(Action write)
    {
        /// <summary>The next to be written, once the order has been turned.</summary>
        internal Line? Before { get; set; }

        internal void Write() => write();
    }
}
