using System.IO.Pipelines;
using UnixLoop.Interop;

namespace UnixLoop.Transports;

/// <summary>How a <see cref="UnixStreamConnection"/> buffers, and where what awaits it goes on.</summary>
public sealed class UnixStreamConnectionOptions
{
    internal static UnixStreamConnectionOptions Default { get; } = new();

    /// <summary>
    /// How many bytes that the reader has not examined may be buffered: over it the socket is not read, and its sender meets a full
    /// buffer. asyncio: the limit of a <c>StreamReader</c>.
    /// </summary>
    /// <value>In bytes. Default 1 MiB; 0 or more. One turn of the loop may read 256 KiB past it.</value>
    public int InputHighWaterMark { get; init; } = 1024 * 1024;

    /// <summary>At or under it, reading goes on.</summary>
    /// <value>In bytes. Default 512 KiB; 0 up to <see cref="InputHighWaterMark"/>.</value>
    public int InputLowWaterMark { get; init; } = 512 * 1024;

    /// <summary>How many flushed bytes may wait for the peer: over it a flush is pending. asyncio: <c>set_write_buffer_limits(high)</c>.</summary>
    /// <value>In bytes. Default 64 KiB; 0 or more.</value>
    public int OutputHighWaterMark { get; init; } = 64 * 1024;

    /// <summary>At or under it, a pending flush ends. asyncio: <c>set_write_buffer_limits(low)</c>.</summary>
    /// <value>In bytes. Default 16 KiB; 0 up to <see cref="OutputHighWaterMark"/>.</value>
    public int OutputLowWaterMark { get; init; } = 16 * 1024;

    /// <summary>
    /// Where code that awaits a read or a flush goes on, unless it awaits under a SynchronizationContext or TaskScheduler (then: there).
    /// <see cref="PipeScheduler.Inline"/> is on the loop's thread, at once when the bytes are there: the fastest, for code that never blocks.
    /// </summary>
    /// <value>Default <see cref="PipeScheduler.ThreadPool"/>.</value>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>
    /// Whether flushes that follow each other closely are sent by one call, for protocols whose client sends requests without waiting for the answers, and for
    /// answers that are flushed in parts. A flush then may leave its bytes, up to 16 KiB: in code that a read's end called, until that returns or its next read has to wait; and
    /// while the input holds bytes that the reader has left for later, until a read has to wait. Answers to requests that came together then wait, off the
    /// loop, for the callbacks that the thread pool has queued, and go out with those of other busy connections. Code that blocks, or a busy pool, holds them back for
    /// 2 ms at most; on the loop (<see cref="PipeScheduler.Inline"/>) code that blocks does for as long as it does so.
    /// </summary>
    /// <value>Default false: each flush sends.</value>
    public bool CoalesceFlushes { get; init; }

    /// <summary>How long <see cref="UnixStreamConnection.DisposeAsync"/> waits for a peer that does not read what was flushed.</summary>
    /// <value>Default 5 s; zero drops at once what the socket does not take, <see cref="Timeout.InfiniteTimeSpan"/> waits for as long as the peer lives.</value>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many descriptors of the peer's (unix(7), SCM_RIGHTS) may wait for <see cref="UnixStreamConnection.TryTakeDescriptor"/>. More, or one that this
    /// process may not open, are closed and fail the input with ETOOMANYREFS.
    /// </summary>
    /// <value>0 to 253. Default 0: the kernel closes what a peer sends.</value>
    public int MaxDescriptors { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MaxDescriptors);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxDescriptors, Libc.MaxDescriptorsPerMessage);
        ArgumentNullException.ThrowIfNull(Scheduler);
        ArgumentOutOfRangeException.ThrowIfNegative(InputLowWaterMark);
        ArgumentOutOfRangeException.ThrowIfLessThan(InputHighWaterMark, InputLowWaterMark);
        ArgumentOutOfRangeException.ThrowIfNegative(OutputLowWaterMark);
        ArgumentOutOfRangeException.ThrowIfLessThan(OutputHighWaterMark, OutputLowWaterMark);
        if (CloseTimeout != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(CloseTimeout, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(CloseTimeout.TotalMilliseconds, uint.MaxValue - 1, nameof(CloseTimeout));
        }
    }
}
