using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.Pipes;

/// <summary>
/// What the selector and the pump hold of a public pipe: not the object that the user has, so that this can be found forgotten.
/// Tells of the end, once.
/// </summary>
internal sealed class PipeLife(UnixEventLoop loop, string name, bool endsOnLoop, ILogger logger) : IPumpOwner
{
    private readonly TaskCompletionSource _ended =
        new(endsOnLoop ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Faulted with what the pump ended with, if that was an error.</summary>
    internal Task Ended => _ended.Task;

    public string Describe(IPump pump) => name;

    public void OnEnded(IPump pump)
    {
        Exception? failure = pump.Failure;
        if (!endsOnLoop || loop.IsOnLoopThread || !loop.TryPost(static life => life.Self.Tell(life.Failure), new Ending(this, failure)))
            Tell(failure);
    }

    /// <summary>From the finalizer's thread: the user's object was dropped while the descriptor was open.</summary>
    internal void OnLost(IPump pump) =>
        loop.TryPost(
            static lost =>
            {
                if (lost.Pump.IsEnded)
                    return;
                PipeLog.HandleLost(lost.Life.Logger, lost.Pump);
                // What was flushed before is still written.
                if (lost.Pump is IWritePump writer)
                    writer.Writer.Complete();
                else
                    lost.Pump.Close(null);
            },
            new Loss(this, pump));

    private ILogger Logger => logger;

    private void Tell(Exception? failure)
    {
        if (failure is null)
        {
            _ended.TrySetResult();
            return;
        }
        _ended.TrySetException(failure);
        _ = _ended.Task.Exception; // observed: reads and writes have told of it too, and whoever cares awaits it
    }

    private sealed record Ending(PipeLife Self, Exception? Failure);

    private sealed record Loss(PipeLife Life, IPump Pump);
}
