using BenchmarkDotNet.Attributes;
using UnixLoop.Interop;

namespace UnixLoop.Benchmarks;

/// <summary>A readiness callback on an eventfd(2) that is read each time.</summary>
public class ReadinessBenchmarks
{
    private const int Events = 50_000;
    private readonly byte[] _buffer = new byte[sizeof(ulong)];
    private readonly byte[] _one = BitConverter.GetBytes(1UL);
    private RunningLoop _running = null!;
    private UnixHandle _event = null!;
    private IDisposable _watch = null!;
    private int _left;

    [GlobalSetup]
    public void Setup()
    {
        _running = new();
        _event = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
        _watch = _running.Loop.WatchReadable(_event, OnReadable);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _watch.Dispose();
        _running.Dispose();
        _event.Dispose();
    }

    /// <summary>One turn with one event: epoll_wait(2), the callback, its read(2) and the write(2) that makes the next event.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public void ReadableCallback()
    {
        _left = Events;
        Libc.Write(_event.Descriptor, _one);
        _running.Wait();
    }

    private void OnReadable()
    {
        Libc.Read(_event.Descriptor, _buffer);
        if (--_left == 0)
            _running.Done();
        else
            Libc.Write(_event.Descriptor, _one);
    }
}
