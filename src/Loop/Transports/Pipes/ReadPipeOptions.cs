using System.IO.Pipelines;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Transports;

/// <summary>How a <see cref="ReadPipe"/> reads.</summary>
public sealed class ReadPipeOptions
{
    /// <summary>Reading pauses when more than this has been read and not consumed. What one turn of the loop reads, up to 256 KiB, comes on top.</summary>
    /// <value>Bytes, 0 or more; default 1 MiB.</value>
    public int HighWaterMark { get; init; } = PipeDefaults.ReadHighWater;

    /// <summary>Reading goes on when this or less is left to consume.</summary>
    /// <value>Bytes, 0 to <see cref="HighWaterMark"/>; default 512 KiB.</value>
    public int LowWaterMark { get; init; } = PipeDefaults.ReadLowWater;

    /// <summary>
    /// Where code that awaits the pipe goes on, unless it awaits under a <see cref="SynchronizationContext"/> (then: there).
    /// <see cref="PipeScheduler.Inline"/> is on the loop's thread, for code that never blocks.
    /// </summary>
    /// <value>Default <see cref="PipeScheduler.ThreadPool"/>.</value>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>
    /// For <see cref="ReadPipe.Open"/> of a FIFO: whether it stays open when its last writer has closed it, and waits for the
    /// next one. We then hold a write end of it ourselves, which takes the permission to write (fifo(7)).
    /// </summary>
    /// <value>Default false: the last writer's close is the end.</value>
    public bool SurvivesWriters { get; init; }
}
