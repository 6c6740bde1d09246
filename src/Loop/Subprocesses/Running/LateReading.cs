namespace UnixLoop.Subprocesses;

/// <summary>
/// How long the outputs of a run may stay unregistered: twice what small programs have taken of late, from their start until the loop
/// was told of their exit, so that most end before. One per factory. Any thread; what two threads tell at once may count once.
/// </summary>
internal sealed class LateReading
{
    /// <summary>Until something is known, and where programs are fast.</summary>
    internal static readonly TimeSpan Least = TimeSpan.FromMilliseconds(2);

    /// <summary>However slow the machine.</summary>
    internal static readonly TimeSpan Most = TimeSpan.FromMilliseconds(8);

    /// <summary>
    /// Bytes. A program that wrote no more has not waited for its reader: not in a pipe of one slot either (linux.md rule 13), where what
    /// was written before and the write that waits are longer than a page together. The exception is packet mode, with its slot per write.
    /// </summary>
    internal const long LargestUnhindered = 4096;

    /// <summary>Of what is known one exit changes an eighth.</summary>
    private const int Memory = 8;

    private long _ticks = Least.Ticks / 2;

    internal TimeSpan Delay => TimeSpan.FromTicks(Math.Clamp(2 * Volatile.Read(ref _ticks), Least.Ticks, Most.Ticks));

    /// <param name="runTime">From the start until the loop was told of the exit.</param>
    /// <param name="written">Bytes that it wrote.</param>
    internal void OnExit(TimeSpan runTime, long written)
    {
        // One that may have waited for its reader tells nothing of how long it takes, but that waiting is dear: it counts as a fast one.
        bool mayHaveWaited = written > LargestUnhindered;
        if (!mayHaveWaited && runTime > Most)
            return;
        long ticks = Volatile.Read(ref _ticks);
        Volatile.Write(ref _ticks, ticks + ((mayHaveWaited ? Least.Ticks / 2 : runTime.Ticks) - ticks) / Memory);
    }
}
