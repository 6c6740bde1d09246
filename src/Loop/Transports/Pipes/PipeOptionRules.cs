using System.IO.Pipelines;

namespace UnixLoop.Transports.Pipes;

/// <summary>Refuses options that are out of range, before anything is opened.</summary>
internal static class PipeOptionRules
{
    /// <summary>What a timer takes: 49.7 days.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    internal static PipeFlow Check(ReadPipeOptions options) => Check(options.HighWaterMark, options.LowWaterMark, options.Scheduler, nameof(options));

    internal static PipeFlow Check(WritePipeOptions options)
    {
        if (options.CloseTimeout < TimeSpan.Zero || options.CloseTimeout > LongestTimer)
            throw new ArgumentOutOfRangeException(nameof(options), options.CloseTimeout, $"{nameof(WritePipeOptions.CloseTimeout)} is from 0 to 49 days.");
        return Check(options.HighWaterMark, options.LowWaterMark, options.Scheduler, nameof(options));
    }

    internal static UnixEventLoop LoopOf(IUnixEventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop as UnixEventLoop
            ?? throw new ArgumentException($"Needs a {nameof(UnixEventLoop)}, in whose selector pipes are registered; this is a {loop.GetType()}.", nameof(loop));
    }

    private static PipeFlow Check(int high, int low, PipeScheduler scheduler, string parameter)
    {
        if (scheduler is null)
            throw new ArgumentNullException(parameter, "Scheduler is null.");
        if (high < 0)
            throw new ArgumentOutOfRangeException(parameter, high, "HighWaterMark is a number of bytes, 0 or more.");
        if (low < 0 || low > high)
            throw new ArgumentOutOfRangeException(parameter, low, $"LowWaterMark is from 0 to HighWaterMark, which is {high}.");
        return new PipeFlow(high, low, scheduler);
    }
}
