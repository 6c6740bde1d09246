namespace UnixLoop.Loop.Tests.Allocations;

/// <summary>Managed memory that two threads allocate while something happens many times: the loop's and the caller's.</summary>
internal sealed class AllocatedBytes(UnixEventLoop loop) : IDisposable
{
    /// <summary>How often <see cref="AssertNone"/> calls its action at most.</summary>
    internal const int MostRuns = WarmUps + Rounds;

    private const int WarmUps = 2;
    private const int Rounds = 3;

    private readonly AutoResetEvent _done = new(false);
    private readonly AutoResetEvent _asked = new(false);
    private long _loopBytes;

    /// <summary>For the loop's thread: the operations have happened.</summary>
    internal void Done() => _done.Set();

    internal void WaitForDone() => Assert.True(_done.WaitOne(TestTimeout), "the operations did not end");

    /// <summary>
    /// Fails if <paramref name="operations"/> repetitions, all made by one call of <paramref name="run"/>, allocate a byte each or
    /// more: the smallest object has 24. What a thread allocates once, by chance or by tiering, stays below that. ArrayPool keeps an
    /// array of each size for each thread that has returned one, so a thread that the pool adds may cost a whole block once: what
    /// every repetition allocates is allocated in each of three rounds, what a new thread costs is not.
    /// </summary>
    internal void AssertNone(int operations, Action run)
    {
        for (int warmUp = 0; warmUp < WarmUps; warmUp++)
            run(); // queues and tables grow to their size
        List<string> found = [];
        for (int round = 0; round < Rounds; round++)
        {
            (long loopBefore, long callerBefore) = Read();
            run();
            (long loopAfter, long callerAfter) = Read();
            (long byLoop, long byCaller) = (loopAfter - loopBefore, callerAfter - callerBefore);
            if (byLoop < operations && byCaller < operations)
                return;
            found.Add($"{byLoop} bytes by the loop's thread and {byCaller} by the caller's");
        }
        Assert.Fail($"{operations} operations allocated, in {Rounds} rounds: {string.Join("; ", found)}");
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
