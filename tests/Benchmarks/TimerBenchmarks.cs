using BenchmarkDotNet.Attributes;

namespace UnixLoop.Benchmarks;

/// <summary>A timer of the loop that is armed again by its own callback, alone and among ten thousand that wait.</summary>
public class TimerBenchmarks
{
    private const int Ticks = 50_000;
    private readonly List<ITimer> _waiting = [];
    private RunningLoop _running = null!;
    private ITimer _timer = null!;
    private int _left;

    [Params(0, 10_000)]
    public int Waiting { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _running = new();
        TimeProvider time = _running.Loop.TimeProvider;
        _timer = time.CreateTimer(static self => ((TimerBenchmarks)self!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        for (int i = 0; i < Waiting; i++)
            _waiting.Add(time.CreateTimer(static _ => { }, null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _timer.Dispose();
        _waiting.ForEach(timer => timer.Dispose());
        _running.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Ticks)]
    public void TimerTick()
    {
        _left = Ticks;
        Arm();
        _running.Wait();
    }

    private void Tick()
    {
        if (--_left == 0)
            _running.Done();
        else
            Arm();
    }

    private void Arm() => _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
}
