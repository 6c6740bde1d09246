using BenchmarkDotNet.Attributes;
using UnixLoop.Interop;

namespace UnixLoop.Benchmarks;

/// <summary>One turn of a busy loop: an epoll_wait(2) that does not sleep, and one readiness callback.</summary>
public class TurnBenchmarks
{
    private const int Turns = 50_000;
    private RunningLoop _running = null!;
    private UnixHandle _alwaysReadable = null!;
    private IDisposable? _watch;
    private int _left;

    [GlobalSetup]
    public void Setup()
    {
        _running = new();
        _alwaysReadable = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
        Libc.Write(_alwaysReadable.Descriptor, BitConverter.GetBytes(1UL));
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _running.Dispose();
        _alwaysReadable.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Turns)]
    public void Turn()
    {
        _left = Turns;
        _running.Loop.Post(static self => self._watch = self._running.Loop.WatchReadable(self._alwaysReadable, self.OnReadable), this);
        _running.Wait();
    }

    private void OnReadable()
    {
        if (--_left > 0)
            return;
        _watch!.Dispose();
        _running.Done();
    }
}
