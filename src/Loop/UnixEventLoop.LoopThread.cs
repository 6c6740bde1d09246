using System.Diagnostics;
using Tmds.Linux;
using UnixLoop.Scheduling;
using UnixLoop.Selector;
using UnixLoop.Signals;
using UnixLoop.Timers;

namespace UnixLoop;

// What only the loop's thread runs. A turn is: wait, ready descriptors, due timers, posts. Each phase is bounded, so that none
// starves another: by the events of one epoll_wait, and by the two constants below.
public sealed partial class UnixEventLoop
{
    private const int MaxTimersPerTurn = 1024;
    private const int MaxPostsPerTurn = 4096;

    /// <summary>When the turn's wait ended: a timestamp of <see cref="Stopwatch"/>, which the system's clock has too.</summary>
    private long _turnBegan;

    /// <summary>How many posts this turn runs: as many as it found, and one more for each that the loop's own callbacks have made since.</summary>
    private int _postsDue;

    /// <summary>First line of what only the loop's thread may call; stays on in Release (one compare).</summary>
    internal void AssertOnLoop()
    {
        if (!IsOnLoopThread)
            throw new InvalidOperationException($"This may run on the thread of the event loop '{Name}' alone.");
    }

    private unsafe void RunOnLoop()
    {
        t_current = this;
        WorkItem.ContextOfThisThread = SynchronizationContext;
        Exception? fault = null;
        try
        {
            epoll_event* events = stackalloc epoll_event[EpollSelector.MaxEventsPerWait];
            _turnBegan = Stopwatch.GetTimestamp();
            _counters.BeginTurn(_turnBegan);
            _started.TrySetResult();
            while (_state == LoopState.Running)
                TurnOnLoop(events);
            _queue.Close();
            while (_queue.TryDequeue(out WorkItem item))
                RunPostOnLoop(item);
        }
        catch (Exception exception)
        {
            // Callbacks are caught one by one: this is a fault of the loop itself, and nothing can be relied on any more.
            fault = exception;
            TryTransition(LoopState.Running, LoopState.Stopping);
        }
        End(fault);
        t_current = null;
        WorkItem.ContextOfThisThread = null;
    }

    private unsafe void TurnOnLoop(epoll_event* events)
    {
        // Polling comes before the loop announces its sleep: a post that is found in the queue needs no write to the eventfd.
        int ready = 0;
        // With posts that the last turn left, this wait says nothing about the traffic.
        AdaptivePoll? poll = _poll is not null && _queue.IsEmpty ? _poll : null;
        bool polled = poll?.ShouldPoll() == true;
        int timeout = polled ? 0 : PrepareToWaitOnLoop();
        long before = Stopwatch.GetTimestamp();
        TimeSpan lag = _counters.EndTurn(before);
        _metrics.RecordDelay(lag);

        if (polled)
        {
            ready = PollOnLoop(events, before);
            if (ready == 0)
                timeout = PrepareToWaitOnLoop();
        }
        if (ready == 0)
            ready = _selector.Wait(events, timeout);
        _waker.StayAwake();
        _turnBegan = Stopwatch.GetTimestamp();
        _counters.BeginTurn(_turnBegan, before, ready);
        poll?.Waited(_turnBegan - before);

        for (int i = 0; i < ready; i++)
        {
            if (_selector.Find(events[i]) is { } registration)
                DispatchOnLoop(registration, (uint)events[i].events);
        }
        FireTimersOnLoop();
        // Not those that other threads add meanwhile: a loop at the heels of a poster would take from it each cache line that it writes.
        _postsDue = _queue.Count;
        for (int i = 0; i < Math.Min(_postsDue, MaxPostsPerTurn) && _queue.TryDequeue(out WorkItem item); i++)
            RunPostOnLoop(item);
    }

    /// <summary>Asks the selector again and again until there is something to do or the window is over; returns the events.</summary>
    private unsafe int PollOnLoop(epoll_event* events, long began)
    {
        int ready;
        bool hasWork;
        do
        {
            ready = _selector.Wait(events, timeoutMilliseconds: 0);
            hasWork = ready > 0 || !_queue.IsEmpty || _state != LoopState.Running;
        }
        while (!hasWork && Stopwatch.GetTimestamp() - began < _poll!.Window);
        _poll!.Polled(paid: hasWork);
        return ready;
    }

    /// <summary>How long the selector may wait, in milliseconds; announces the sleep where it is not zero.</summary>
    private int PrepareToWaitOnLoop()
    {
        if (!_queue.IsEmpty)
            return 0;
        // The order is LoopWaker's: announce, then look again.
        _waker.GoToSleep();
        int timeout = !_queue.IsEmpty || _state != LoopState.Running ? 0 : UntilNextTimerOnLoop();
        if (timeout == 0)
            _waker.StayAwake();
        return timeout;
    }

    private int UntilNextTimerOnLoop()
    {
        long? deadline = _timers.NextDeadlineOnLoop;
        if (_alarm is not null)
            return _alarm.TryArm(deadline) ? -1 : 0;
        if (deadline is null)
            return -1;
        // Up, not down: a wait that ended early would spin until the timer is due.
        double milliseconds = Math.Ceiling(_timers.Until(deadline.Value).TotalMilliseconds);
        return milliseconds >= int.MaxValue ? int.MaxValue : (int)milliseconds;
    }

    private void DispatchOnLoop(SelectorRegistration registration, uint events)
    {
        long began = BeginCallbackOnLoop();
        try
        {
            registration.Handler.OnReady(events);
        }
        catch (Exception exception)
        {
            ReportUnhandled(new UnhandledExceptionContext(
                $"A callback for {registration.Handler} failed", exception, registration.Handler)
            { Descriptor = registration.Descriptor });
        }
        EndCallbackOnLoop(began, registration.Handler);
    }

    private void FireTimersOnLoop()
    {
        if (_timers.NextDeadlineOnLoop is null)
            return;
        long now = _timers.Now;
        for (int i = 0; i < MaxTimersPerTurn && _timers.TakeDueOnLoop(now) is { } timer; i++)
        {
            long began = BeginCallbackOnLoop();
            try
            {
                _timers.FireOnLoop(timer, now);
            }
            catch (Exception exception)
            {
                ReportUnhandled(new UnhandledExceptionContext("A timer's callback failed", exception, this));
            }
            EndCallbackOnLoop(began, timer.Callback);
        }
    }

    private void RunPostOnLoop(in WorkItem item)
    {
        long began = BeginCallbackOnLoop();
        _counters.AddPost();
        try
        {
            item.Invoke();
        }
        catch (Exception exception)
        {
            ReportUnhandled(new UnhandledExceptionContext("A posted callback failed", exception, this));
        }
        if (_debug)
            EndCallbackOnLoop(began, item.State as SignalWork ?? item.Callback);
    }

    private long BeginCallbackOnLoop()
    {
        _counters.AddCallback();
        return _debug ? Stopwatch.GetTimestamp() : 0;
    }

    private void EndCallbackOnLoop(long began, object callback)
    {
        if (!_debug)
            return;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        if (elapsed >= _slowCallbackThreshold)
            LoopLog.SlowCallback(_logger, Name, CallbackName.Of(callback), elapsed.TotalMilliseconds);
    }

    /// <summary>
    /// Releases everything, in an order in which nothing accepted is lost: first no new work, then what is queued, then
    /// registrations (their owners may still want a log or a timer), then timers, then descriptors.
    /// </summary>
    private void End(Exception? fault)
    {
        _queue.Close();
        AbandonQueue(fault);
        _signals.CloseAll();
        _selector.End((registration, e) =>
            ReportUnhandled(new UnhandledExceptionContext($"{registration.Handler} failed when it was told of the loop's end", e, registration.Handler)));
        _timers.HandOver();

        _alarm?.Dispose();
        _waker.Dispose();
        _selector.Dispose();
        if (_ownsMeter)
            Meter.DisposeQuietly();
        _counters.EndTurn(Stopwatch.GetTimestamp());
        _state = LoopState.Ended;

        if (fault is null)
        {
            _completion.TrySetResult();
        }
        else
        {
            LoopLog.Faulted(_logger, fault, Name);
            _completion.TrySetException(fault);
            _ = _completion.Task.Exception; // observed: it has been logged, and whoever cares awaits Completion
        }
        _started.TrySetResult();
        _ended.TrySetResult();
    }

    /// <summary>
    /// What was queued for a loop that never ran, or that faulted: who awaits is told, timers that somebody may await go where
    /// those of the heap go, the rest is counted and logged.
    /// </summary>
    private void AbandonQueue(Exception? fault)
    {
        int dropped = 0;
        while (_queue.TryDequeue(out WorkItem item))
        {
            if (item.Callback is Invocation invocation)
                invocation.Abandon(fault is null ? Ended() : new InvalidOperationException($"The event loop '{Name}' faulted.", fault));
            else if (item.State is LoopTimer timer)
                timer.HandOver();
            else if (!item.TryRunElsewhere())
                dropped++;
        }
        if (dropped > 0)
            LoopLog.PostsDropped(_logger, Name, dropped);
    }
}
