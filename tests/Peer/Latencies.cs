using System.Diagnostics;

namespace UnixLoop.Peer;

/// <summary>Durations of single operations, and their percentiles in microseconds (nearest rank, as the other peers compute them).</summary>
internal sealed class Latencies(int capacity)
{
    private readonly double[] _microseconds = new double[capacity];
    private int _count;

    internal void Add(long startTimestamp) =>
        _microseconds[_count++] = Stopwatch.GetElapsedTime(startTimestamp).TotalMicroseconds;

    internal double Percentile(double share)
    {
        Array.Sort(_microseconds, 0, _count);
        return _microseconds[(int)(share * (_count - 1) + 0.5)];
    }
}
