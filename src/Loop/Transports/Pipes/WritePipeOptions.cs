using System.IO.Pipelines;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Transports;

/// <summary>How a <see cref="WritePipe"/> writes.</summary>
public sealed class WritePipeOptions
{
    /// <summary>A flush waits while more than this is queued (asyncio: <c>set_write_buffer_limits</c>).</summary>
    /// <value>Bytes, 0 or more; default 64 KiB.</value>
    public int HighWaterMark { get; init; } = PipeDefaults.WriteHighWater;

    /// <summary>A flush that waits goes on when this or less is queued.</summary>
    /// <value>Bytes, 0 to <see cref="HighWaterMark"/>; default 16 KiB.</value>
    public int LowWaterMark { get; init; } = PipeDefaults.WriteLowWater;

    /// <inheritdoc cref="ReadPipeOptions.Scheduler"/>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>How long <see cref="WritePipe.DisposeAsync"/> waits for what is queued to be written; then it is dropped, with a warning.</summary>
    /// <value>0 to 49 days, by the loop's clock; default 5 s.</value>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
