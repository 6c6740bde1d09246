using System.Diagnostics;

namespace UnixLoop.TestSupport;

/// <summary>Waits for a condition that nothing announces.</summary>
internal static class Eventually
{
    internal static void True(Func<bool> condition, string expectation)
    {
        if (!TryWait(condition, TestTimeout))
            Assert.Fail($"not within {TestTimeout.TotalSeconds:0} s: {expectation}");
    }

    internal static bool TryWait(Func<bool> condition, TimeSpan bound)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > bound)
                return false;
            Thread.Sleep(5);
        }
        return true;
    }
}
