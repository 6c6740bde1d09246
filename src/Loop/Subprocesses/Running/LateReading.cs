using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>
/// How long the outputs of a run may stay unregistered: twice what small programs have taken here of late, from their start to their
/// exit, so that most end before. A child that fills its pipe waits for as long, and so is no measure. Any thread; what two threads
/// tell at once may count once.
/// </summary>
internal sealed class LateReading
{
    /// <summary>Until something is known, and where programs are fast.</summary>
    internal static readonly TimeSpan Least = TimeSpan.FromMilliseconds(2);

    /// <summary>Nobody waits for longer than this, however slow the machine.</summary>
    internal static readonly TimeSpan Most = TimeSpan.FromMilliseconds(8);

    /// <summary>Of what is known one exit changes an eighth.</summary>
    private const int Memory = 8;

    private long _ticks = Least.Ticks / 2;

    internal TimeSpan Delay => TimeSpan.FromTicks(Math.Clamp(2 * Volatile.Read(ref _ticks), Least.Ticks, Most.Ticks));

    /// <param name="runTime">From the start to the exit.</param>
    /// <param name="written">Bytes that it wrote.</param>
    internal void OnExit(TimeSpan runTime, long written)
    {
        if (runTime > Most || written >= PipeDefaults.Capacity / 2)
            return;
        long ticks = Volatile.Read(ref _ticks);
        Volatile.Write(ref _ticks, ticks + (runTime.Ticks - ticks) / Memory);
    }
}
