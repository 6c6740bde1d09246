namespace UnixLoop.Transports.Pipes;

/// <summary>Decides when one pipe is grown: at the second of two consecutive turns that found it full, once (linux.md, rule 13).</summary>
internal struct PipeGrowth(PipeBudget? budget)
{
    private PipeBudget? _budget = budget;
    private int _fullReads;

    /// <summary>Whether the pipe was grown.</summary>
    internal bool IsGrown { get; private set; }

    /// <summary>To be told of each turn's bytes; true when this one made the pipe grow.</summary>
    internal bool Observe(int pipe, int bytesRead)
    {
        if (_budget is null || IsGrown)
            return false;
        if (bytesRead < PipeDefaults.Capacity)
        {
            _fullReads = 0;
            return false;
        }
        if (++_fullReads < 2)
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
