namespace UnixLoop.Hosting.Supervision;

/// <summary>Counts starts over a sliding window.</summary>
internal sealed class StartLimit(TimeProvider clock)
{
    private readonly Queue<long> _starts = new();

    internal void Add(int max)
    {
        _starts.Enqueue(clock.GetTimestamp());
        while (_starts.Count > max)
            _starts.Dequeue();
    }

    /// <summary>Whether a start after <paramref name="delay"/> would be at most the <paramref name="max"/>-th within <paramref name="window"/>.</summary>
    internal bool Allows(TimeSpan delay, int max, TimeSpan window) =>
        max == 0 || _starts.Count(at => clock.GetElapsedTime(at) + delay < window) < max;

    internal void Clear() => _starts.Clear();
}
