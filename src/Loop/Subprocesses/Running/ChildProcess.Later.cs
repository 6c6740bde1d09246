namespace UnixLoop.Subprocesses;

// Most programs whose output is captured are short and write little: it fits into the pipe, and is read when their exit is told.
// Then there need be no registration of the pipes, and no turn of the loop for what is written and for its end. So the pipes are
// registered a moment later; a child that lives on, or that fills its pipe, is held up by no more than that.
internal sealed partial class ChildProcess
{
    private ITimer? _later;

    /// <summary>
    /// On the loop's thread alone: elsewhere the timer would wake the loop, which costs what it saves. On the system's clock alone:
    /// with another one that moment might never pass.
    /// </summary>
    private bool TryStartOutputsLater()
    {
        UnixEventLoop loop = _services.Loop;
        if (!_consumer.MayReadLater || _openOutputs == 0 || !loop.IsOnLoopThread || !loop.HasSystemClock)
            return false;
        Output?.StartLater();
        Error?.StartLater();
        // The loop's own, which fires on the thread pool once the loop has ended: then the pipes end.
        _later = loop.TimeProvider.CreateTimer(static self => ((ChildProcess)self!).StartOutputsNow(), this, _services.LateReading.Delay, Timeout.InfiniteTimeSpan);
        return true;
    }

    private void StartOutputsNow()
    {
        Output?.StartNow();
        Error?.StartNow();
    }

    /// <summary>What the child has written is read; what another process still holds open is read from now on.</summary>
    private void DrainOutputs(TimeSpan runTime)
    {
        Output?.Drain();
        Error?.Drain();
        if (_later is null)
            return;
        _later.Dispose();
        _services.LateReading.OnExit(runTime, (Output?.Total ?? 0) + (Error?.Total ?? 0));
        StartOutputsNow();
    }
}
