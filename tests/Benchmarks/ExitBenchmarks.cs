using BenchmarkDotNet.Attributes;

namespace UnixLoop.Benchmarks;

/// <summary>From the kill of a child to its exit notice on the loop, one after another.</summary>
[InvocationCount(1)]
public class ExitBenchmarks
{
    private const int Children = 500;
    private RunningFactory _running = null!;
    private ISubprocess[] _children = [];
    private Task<ChildExitStatus>[] _exits = [];

    [GlobalSetup]
    public void Setup() => _running = new();

    [GlobalCleanup]
    public async Task Cleanup() => await _running.DisposeAsync();

    [IterationSetup]
    public void Start()
    {
        _children = [.. Enumerable.Range(0, Children).Select(_ => _running.Factory.StartAsync(new("/bin/sleep", "600")).AsTask().Result)];
        _exits = [.. _children.Select(child => child.WaitForExitAsync())];
    }

    [IterationCleanup]
    public void Dispose()
    {
        foreach (ISubprocess child in _children)
            child.DisposeAsync().AsTask().Wait();
    }

    [Benchmark(OperationsPerInvoke = Children)]
    public void KillAndNotice()
    {
        for (int i = 0; i < Children; i++)
        {
            _children[i].Signal(UnixSignal.Kill);
            while (!_exits[i].IsCompleted)
                Thread.SpinWait(10);
        }
    }
}
