using Microsoft.Extensions.Logging;

namespace UnixLoop.Transports.Pipes;

/// <summary>Event ids 1340 to 1379 (docs/diagnostics.md).</summary>
internal static partial class PipeLog
{
    [LoggerMessage(EventId = 1340, EventName = "PipeHungUp", Level = LogLevel.Debug,
        Message = "{Pipe}: EIO, the other side has hung up; taken as the end.")]
    internal static partial void HungUp(ILogger logger, IPump pipe);

    [LoggerMessage(EventId = 1341, EventName = "PipeReadFailed", Level = LogLevel.Debug, Message = "{Pipe}: reading failed.")]
    internal static partial void ReadFailed(ILogger logger, Exception error, IPump pipe);

    [LoggerMessage(EventId = 1342, EventName = "PipeWriteFailed", Level = LogLevel.Debug, Message = "{Pipe}: writing failed.")]
    internal static partial void WriteFailed(ILogger logger, Exception error, IPump pipe);

    [LoggerMessage(EventId = 1343, EventName = "PipePeerClosed", Level = LogLevel.Debug, Message = "{Pipe}: closed by its reader.")]
    internal static partial void PeerClosed(ILogger logger, IPump pipe);

    [LoggerMessage(EventId = 1344, EventName = "PipeGrown", Level = LogLevel.Debug,
        Message = "{Pipe}: found full twice, grown to {Capacity} bytes.")]
    internal static partial void Grown(ILogger logger, IPump pipe, int capacity);

    [LoggerMessage(EventId = 1345, EventName = "PipeWriteAfterLoss", Level = LogLevel.Warning,
        Message = "{Pipe}: nobody reads any more, and write {Count} has come since.")]
    internal static partial void WriteAfterLoss(ILogger logger, IPump pipe, int count);

    [LoggerMessage(EventId = 1346, EventName = "PipeHandleLost", Level = LogLevel.Warning,
        Message = "{Pipe}: dropped without being disposed or completed; it is closed.")]
    internal static partial void HandleLost(ILogger logger, IPump pipe);

    [LoggerMessage(EventId = 1347, EventName = "PipeCloseTimedOut", Level = LogLevel.Warning,
        Message = "{Pipe}: {QueuedBytes} bytes could not be written within {Timeout} of its disposal and are dropped.")]
    internal static partial void CloseTimedOut(ILogger logger, IPump pipe, long queuedBytes, TimeSpan timeout);

    [LoggerMessage(EventId = 1348, EventName = "StandardStreamOnThread", Level = LogLevel.Debug,
        Message = "{Pipe}: no description of our own can be had ({Reason}); a thread serves it.")]
    internal static partial void OnThread(ILogger logger, IPump pipe, string reason);
}
