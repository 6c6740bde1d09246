using Microsoft.Extensions.Logging;
using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

/// <summary>Event ids 1380 to 1399.</summary>
internal static partial class SpawnLog
{
    [LoggerMessage(EventId = 1380, EventName = "CloseFromMissing", Level = LogLevel.Warning,
        Message = "This C library has no posix_spawn_file_actions_addclosefrom_np: descriptors without close-on-exec that another thread opens during a start reach the child")]
    internal static partial void CloseFromMissing(ILogger logger);

    [LoggerMessage(EventId = 1381, EventName = "PipeCapacityRefused", Level = LogLevel.Debug,
        Message = "The pipe keeps its size: {Capacity} bytes were refused ({Error})")]
    internal static partial void PipeCapacityRefused(ILogger logger, int capacity, PosixResult error);

    [LoggerMessage(EventId = 1382, EventName = "SpawnFeatures", Level = LogLevel.Debug,
        Message = "posix_spawn of this C library: closefrom {CloseFrom}, chdir {ChangeDirectory}, pidfd {Pidfd}")]
    internal static partial void Features(ILogger logger, bool closeFrom, bool changeDirectory, bool pidfd);

    [LoggerMessage(EventId = 1383, EventName = "TerminalJobNotFollowed", Level = LogLevel.Warning,
        Message = "The child {Pid} shares our terminal, but its stops can't be followed: Ctrl-Z stops it alone")]
    internal static partial void TerminalJobNotFollowed(ILogger logger, int pid, Exception error);

    [LoggerMessage(EventId = 1384, EventName = "SpawnHelperRefused", Level = LogLevel.Information,
        Message = "The native helper is refused here ({Step}: {Error}): posix_spawn makes children from now on")]
    internal static partial void HelperRefused(ILogger logger, SpawnStep step, PosixResult error);
}
