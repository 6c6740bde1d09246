namespace UnixLoop.Subprocesses;

// A handle was dropped without being disposed. The child runs on, watched and reaped; but nobody can reach its pipes again, and
// they must neither leak nor hold the child back for ever:
//  - its input ends, after what was flushed has been written;
//  - its output is read on while there is room, since a read that was begun may still wait for it; when the room is used up,
//    or the child has exited and what it wrote has been read, the pipe is closed.
internal sealed partial class ChildProcess
{
    /// <summary>From the finalizer's thread.</summary>
    internal void OnHandleLost()
    {
        if (Input is { IsEnded: false } || OpenOutputs > 0)
            _services.Loop.TryPost(static child => child.Abandon(), this);
    }

    private void Abandon()
    {
        bool exited;
        lock (_gate)
        {
            _isAbandoned = true;
            exited = _state == State.Exited;
        }
        bool wasOpen = Input is { IsEnded: false };
        (Input as Transports.Pipes.WritePump)?.Writer.Complete();
        wasOpen |= Output is not null && Output.Abandon();
        wasOpen |= Error is not null && Error.Abandon();
        if (exited)
            CloseStreams(null);
        if (wasOpen)
            SubprocessLog.HandleLost(_services.Logger, FileName, Id);
    }
}
