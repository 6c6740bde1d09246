namespace UnixLoop.Transports.Pipes;

/// <summary>Decides when one pipe is grown: at the second of two consecutive turns that found it full, once (linux.md, rule 13).</summary>
internal struct PipeGrowth(PipeBudget? budget)
{
    private const int FullReadsToGrow = 2;

    private PipeBudget? _budget = budget;
    private int _fullReads;

    /// <summary>Whether the pipe was grown.</summary>
    internal bool IsGrown { get; private set; }

    /// <summary>
    /// How much the next read is expected to bring. A large pipe that is found full is emptied in one read: a reader that lets go of
    /// the pipe in between wakes the writer, and then competes with it for the pipe's lock (256 KiB by 64 KiB reads: 1.5 times the CPU).
    /// </summary>
    internal readonly int ReadSize => IsGrown && _fullReads > 0 ? PipeDefaults.GrownCapacity : PipeDefaults.SmallestRead;

    /// <summary>To be told of each turn's bytes; true when this one made the pipe grow.</summary>
    internal bool Observe(int pipe, int bytesRead)
    {
        if (_budget is null)
            return false;
        _fullReads = bytesRead < PipeDefaults.Capacity ? 0 : Math.Min(_fullReads + 1, FullReadsToGrow);
        if (IsGrown || _fullReads < FullReadsToGrow)
            return false;
        IsGrown = _budget.TryGrow(pipe);
        if (!IsGrown)
            _budget = null;
        return IsGrown;
    }

    /// <summary>The pipe is closed.</summary>
    internal void Return()
    {
        if (IsGrown)
            _budget?.Return();
        _budget = null;
    }
}
