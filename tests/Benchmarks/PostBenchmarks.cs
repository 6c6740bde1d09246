using BenchmarkDotNet.Attributes;

namespace UnixLoop.Benchmarks;

/// <summary>A post and its callback: from another thread, from the loop itself, and to a loop that sleeps.</summary>
public class PostBenchmarks
{
    private const int Posts = 100_000;
    private readonly Action _count;
    private readonly Action<PostBenchmarks> _countState = static self => self.Count();
    private readonly Action _again;
    private readonly Action _wake;
    private RunningLoop _running = null!;
    private int _left;
    private bool _woken;

    public PostBenchmarks()
    {
        _count = Count;
        _again = Again;
        _wake = () => Volatile.Write(ref _woken, true);
    }

    [GlobalSetup]
    public void Setup() => _running = new();

    [GlobalCleanup]
    public void Cleanup() => _running.Dispose();

    [Benchmark(OperationsPerInvoke = Posts)]
    public void PostAction()
    {
        _left = Posts;
        for (int i = 0; i < Posts; i++)
            _running.Loop.Post(_count);
        _running.Wait();
    }

    [Benchmark(OperationsPerInvoke = Posts)]
    public void PostState()
    {
        _left = Posts;
        for (int i = 0; i < Posts; i++)
            _running.Loop.Post(_countState, this);
        _running.Wait();
    }

    /// <summary>A callback that posts the next one.</summary>
    [Benchmark(OperationsPerInvoke = Posts)]
    public void PostOnLoop()
    {
        _left = Posts;
        _running.Loop.Post(_again);
        _running.Wait();
    }

    /// <summary>From a post to a loop that sleeps, until another thread sees that the callback ran.</summary>
    [Benchmark]
    public void PostAndWake()
    {
        Volatile.Write(ref _woken, false);
        _running.Loop.Post(_wake);
        while (!Volatile.Read(ref _woken))
            Thread.SpinWait(1);
    }

    private void Again()
    {
        if (--_left == 0)
            _running.Done();
        else
            _running.Loop.Post(_again);
    }

    private void Count()
    {
        if (--_left == 0)
            _running.Done();
    }
}
