using System.IO.Pipelines;

namespace UnixLoop.Transports.Pipes;

/// <summary>When a pipe holds back whoever fills it, and where awaiting code continues.</summary>
/// <param name="High">In bytes: more than this pauses.</param>
/// <param name="Low">In bytes: this or less resumes.</param>
/// <param name="Scheduler">Where awaiting code goes on, unless it has a context; inline is on the loop.</param>
internal readonly record struct PipeFlow(long High, long Low, PipeScheduler Scheduler)
{
    /// <summary>For reading.</summary>
    internal static PipeFlow OfReading { get; } = new(PipeDefaults.ReadHighWater, PipeDefaults.ReadLowWater, PipeScheduler.ThreadPool);

    /// <summary>For writing.</summary>
    internal static PipeFlow OfWriting { get; } = new(PipeDefaults.WriteHighWater, PipeDefaults.WriteLowWater, PipeScheduler.ThreadPool);

    /// <summary>A pipe that <paramref name="pump"/> fills and the user reads.</summary>
    internal Pipe ForReading(UnixEventLoop loop, PipeScheduler pump) =>
        new(Options(users: UsersScheduler(loop), pump, isReading: true));

    /// <summary>A pipe that the user fills and <paramref name="pump"/> empties.</summary>
    internal Pipe ForWriting(UnixEventLoop loop, PipeScheduler pump) =>
        new(Options(users: UsersScheduler(loop), pump, isReading: false));

    /// <summary>Whether what awaits goes on on the loop.</summary>
    internal bool IsOnLoop(UnixEventLoop loop) => ReferenceEquals(Scheduler, PipeScheduler.Inline) || ReferenceEquals(Scheduler, loop.PipeScheduler);

    /// <summary>Inline is a post: the pump's lock is held where its pipe is filled or emptied.</summary>
    private PipeScheduler UsersScheduler(UnixEventLoop loop) =>
        IsOnLoop(loop) ? loop.PipeScheduler : ReferenceEquals(Scheduler, PipeScheduler.ThreadPool) ? new PoolHandOver() : Scheduler;

    private PipeOptions Options(PipeScheduler users, PipeScheduler pump, bool isReading) => new(
        readerScheduler: isReading ? users : pump,
        writerScheduler: isReading ? pump : users,
        // A Pipe pauses at its threshold and resumes below it; the marks mean above, and at or below.
        pauseWriterThreshold: High + 1,
        resumeWriterThreshold: Low + 1,
        minimumSegmentSize: isReading ? PipeDefaults.ReadBlock : -1,
        useSynchronizationContext: true);
}
