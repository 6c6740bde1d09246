using System.Diagnostics;

namespace UnixLoop.TestSupport;

/// <summary>Waits for a condition that nothing announces.</summary>
internal static class Eventually
{
    internal static void True(Func<bool> condition, string expectation) => True(condition, () => expectation);

    /// <param name="condition">What is waited for.</param>
    /// <param name="expectation">Asked when the wait is over, so that it can say what there was instead.</param>
    internal static void True(Func<bool> condition, Func<string> expectation)
    {
        if (!TryWait(condition, TestTimeout))
            Assert.Fail($"not within {TestTimeout.TotalSeconds:0} s: {expectation()}");
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
