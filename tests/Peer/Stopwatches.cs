using System.Diagnostics;
using UnixLoop.Peer.Interop;

namespace UnixLoop.Peer;

/// <summary>Wall and CPU time since it was made.</summary>
internal readonly struct Stopwatches
{
    private readonly long _start;
    private readonly double _own;
    private readonly double _children;

    private Stopwatches(long start, double own, double children)
    {
        _start = start;
        _own = own;
        _children = children;
    }

    internal static Stopwatches Start()
    {
        double children = Libc.ChildrenCpu();
        double own = Libc.OwnCpu();
        return new(Stopwatch.GetTimestamp(), own, children);
    }

    internal Reading Read()
    {
        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        double own = Libc.OwnCpu() - _own;
        return new(seconds, own, own + Libc.ChildrenCpu() - _children);
    }

    /// <param name="Seconds">Wall time.</param>
    /// <param name="Own">CPU seconds of this process.</param>
    /// <param name="Total">The same with its reaped children.</param>
    internal readonly record struct Reading(double Seconds, double Own, double Total);
}
