using UnixLoop.Interop;

namespace UnixLoop.Loop.Tests.Allocations;

/// <summary>The loop's hot paths allocate nothing; tests/Benchmarks measures the same paths at leisure.</summary>
public sealed class AllocationTests : IDisposable
{
    private const int Operations = 10_000;
    private readonly LeakCheck _leaks = new();
    private readonly UnixEventLoop _loop = new();
    private readonly AllocatedBytes _bytes;
    private int _left;

    public AllocationTests()
    {
        _loop.StartAsync().GetAwaiter().GetResult();
        _bytes = new(_loop);
    }

    public void Dispose()
    {
        _loop.Dispose();
        _bytes.Dispose();
        _leaks.Dispose();
    }

    [Fact]
    public void Post_Action_AllocatesNothing()
    {
        GrowTheQueue();
        Action callback = () => CountDown();
        _bytes.AssertNone(Operations, () =>
        {
            _left = Operations;
            for (int i = 0; i < Operations; i++)
                _loop.Post(callback);
            _bytes.WaitForDone();
        });
    }

    [Fact]
    public void Post_WithState_AllocatesNothing()
    {
        GrowTheQueue();
        _bytes.AssertNone(Operations, () =>
        {
            _left = Operations;
            for (int i = 0; i < Operations; i++)
                _loop.Post(static self => self.CountDown(), this);
            _bytes.WaitForDone();
        });
    }

    [Fact]
    public void Post_FromTheLoop_AllocatesNothing()
    {
        Action? next = null;
        next = () =>
        {
            if (CountDown())
                _loop.Post(next!);
        };
        _bytes.AssertNone(Operations, () =>
        {
            _left = Operations;
            _loop.Post(next);
            _bytes.WaitForDone();
        });
    }

    [Fact]
    public void Post_ToASleepingLoop_AllocatesNothing()
    {
        const int wakes = 1_000;
        Action callback = _bytes.Done;
        _bytes.AssertNone(wakes, () =>
        {
            for (int i = 0; i < wakes; i++)
            {
                _loop.Post(callback);
                _bytes.WaitForDone();
            }
        });
    }

    [Fact]
    public void Turn_WithAReadyDescriptor_AllocatesNothing()
    {
        using UnixHandle ready = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
        byte[] one = BitConverter.GetBytes(1UL);
        byte[] buffer = new byte[sizeof(ulong)];
        using IDisposable watch = _loop.WatchReadable(ready, () =>
        {
            Libc.Read(ready.Descriptor, buffer);
            if (CountDown())
                Libc.Write(ready.Descriptor, one);
        });
        _bytes.AssertNone(Operations, () =>
        {
            _left = Operations;
            Libc.Write(ready.Descriptor, one);
            _bytes.WaitForDone();
        });
    }

    [Fact]
    public void Timer_ArmedAgainByItsCallback_AllocatesNothing()
    {
        ITimer? timer = null;
        timer = _loop.TimeProvider.CreateTimer(
            _ =>
            {
                if (CountDown())
                    timer!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            },
            null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using (timer)
        {
            _bytes.AssertNone(Operations, () =>
            {
                _left = Operations;
                timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
                _bytes.WaitForDone();
            });
        }
    }

    [Fact]
    public void Timer_Periodic_AllocatesNothing()
    {
        const int ticks = 200;
        using ITimer timer = _loop.TimeProvider.CreateTimer(
            _ =>
            {
                if (_left > 0)
                    CountDown();
            },
            null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
        _bytes.AssertNone(ticks * 20, () => // 20 bytes a tick: fewer than the smallest object has
        {
            Volatile.Write(ref _left, ticks);
            _bytes.WaitForDone();
        });
    }

    /// <summary>A queue deeper than ever before grows. So, first, more posts than the test makes, while the loop is held.</summary>
    private void GrowTheQueue()
    {
        using ManualResetEventSlim gate = new();
        _loop.Post(static held => held.Wait(), gate);
        for (int i = 0; i < 2 * Operations; i++)
            _loop.Post(static () => { });
        _loop.Post(_bytes.Done);
        gate.Set();
        _bytes.WaitForDone();
    }

    /// <summary>On the loop: false, and the run has ended, when none is left.</summary>
    private bool CountDown()
    {
        if (--_left > 0)
            return true;
        _bytes.Done();
        return false;
    }
}
