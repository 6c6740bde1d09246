namespace UnixLoop.Loop.Tests.Allocations;

/// <summary>Managed memory that two threads allocate while something happens many times: the loop's and the caller's.</summary>
internal sealed class AllocatedBytes(UnixEventLoop loop) : IDisposable
{
    private readonly AutoResetEvent _done = new(false);
    private readonly AutoResetEvent _asked = new(false);
    private long _loopBytes;

    /// <summary>For the loop's thread: the operations have happened.</summary>
    internal void Done() => _done.Set();

    internal void WaitForDone() => Assert.True(_done.WaitOne(TestTimeout), "the operations did not end");

    /// <summary>
    /// Fails if <paramref name="operations"/> repetitions, all made by one call of <paramref name="run"/>, allocate a byte each or
    /// more: the smallest object has 24. What a thread allocates once, by chance or by tiering, stays below that.
    /// </summary>
    internal void AssertNone(int operations, Action run)
    {
        run(); // warms up: queues and tables grow to their size
        run();
        (long loopBefore, long callerBefore) = Read();
        run();
        (long loopAfter, long callerAfter) = Read();
        Assert.True(loopAfter - loopBefore < operations, $"the loop's thread allocated {loopAfter - loopBefore} bytes in {operations} operations");
        Assert.True(callerAfter - callerBefore < operations, $"the caller's thread allocated {callerAfter - callerBefore} bytes in {operations} operations");
    }

    private (long Loop, long Caller) Read()
    {
        loop.Post(
            static self =>
            {
                self._loopBytes = GC.GetAllocatedBytesForCurrentThread();
                self._asked.Set();
            },
            this);
        Assert.True(_asked.WaitOne(TestTimeout), "the loop did not answer");
        return (_loopBytes, GC.GetAllocatedBytesForCurrentThread());
    }

    public void Dispose()
    {
        _done.Dispose();
        _asked.Dispose();
    }
}
