using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Scheduling;
using UnixLoop.Selector;
using UnixLoop.Timers;

namespace UnixLoop;

/// <summary>
/// asyncio's Unix event loop for .NET: epoll(7) on one dedicated, named background thread. This file is its face for any thread;
/// what only the loop's thread touches stands in UnixEventLoop.LoopThread.cs.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed partial class UnixEventLoop : IUnixEventLoop, ILoopThread, IAsyncDisposable, IDisposable
{
    [ThreadStatic]
    private static UnixEventLoop? t_current;

    private readonly WorkQueue _queue = new();
    private readonly EpollSelector _selector;
    private readonly LoopWaker _waker;
    private readonly AdaptivePoll? _poll;
    private readonly DescriptorWatches _watches;
    private readonly LoopTimers _timers;
    private readonly DeadlineAlarm? _alarm;
    private readonly LoopCounters _counters = new();
    private readonly LoopMetrics _metrics;
    private readonly bool _ownsMeter;
    private readonly ILogger _logger;
    private readonly bool _debug;
    private readonly TimeSpan _slowCallbackThreshold;
    private readonly TimeSpan _disposeTimeout;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile LoopState _state;
    private long _toldToEnd;
    private bool _isNotEndedTold;

    /// <summary>Makes a loop; it runs once <see cref="StartAsync"/> is called.</summary>
    /// <param name="settings">Null for the defaults.</param>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    /// <exception cref="ArgumentException">A setting is out of its range; the message names it.</exception>
    /// <exception cref="IOException">No descriptor could be had for epoll or its eventfd; the message names the errno.</exception>
    public UnixEventLoop(UnixEventLoopSettings? settings = null)
    {
        settings ??= new UnixEventLoopSettings();
        settings.Validate();

        Name = settings.Name;
        LoggerFactory = settings.LoggerFactory ?? NullLoggerFactory.Instance;
        _logger = new ForgivingLogger(LoggerFactory.CreateLogger<UnixEventLoop>());
        _debug = settings.Debug;
        _slowCallbackThreshold = settings.SlowCallbackThreshold;
        _disposeTimeout = settings.DisposeTimeout;

        _poll = AdaptivePoll.For(settings.PollBeforeBlocking, Environment.ProcessorCount);
        (_selector, _waker) = CreateSelector();
        _watches = new DescriptorWatches(_selector);
        _timers = new LoopTimers(this, settings.TimeProvider ?? TimeProvider.System);
        TimeProvider = new LoopTimeProvider(this, _timers);
        _alarm = HasSystemClock ? null : new DeadlineAlarm(_timers, _waker.Wake);
        SynchronizationContext = new LoopSynchronizationContext(this);
        PipeScheduler = new LoopPipeScheduler(this);
        _thread = new Thread(RunOnLoop) { Name = Name, IsBackground = true };

        _ownsMeter = settings.MeterFactory is null;
        Meter = settings.MeterFactory?.Create(LoopMetrics.MeterName) ?? new Meter(LoopMetrics.MeterName);
        _metrics = new LoopMetrics(Meter, this);
        _signals = CreateSignalHandlers();
    }

    /// <summary>Both or neither: what was opened before the failure is closed.</summary>
    private static (EpollSelector Selector, LoopWaker Waker) CreateSelector()
    {
        var selector = new EpollSelector();
        LoopWaker? waker = null;
        try
        {
            waker = new LoopWaker();
            selector.RegisterWakeUp(waker.EventFd);
            return (selector, waker);
        }
        catch
        {
            waker?.Dispose();
            selector.Dispose();
            throw;
        }
    }

    /// <summary>The loop on whose thread the caller runs, or null (asyncio: <c>get_running_loop</c>).</summary>
    public static UnixEventLoop? Current => t_current;

    /// <inheritdoc/>
    public event Action<UnhandledExceptionContext>? UnhandledException;

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool IsOnLoopThread => ReferenceEquals(t_current, this);

    /// <inheritdoc/>
    public TimeProvider TimeProvider { get; }

    /// <inheritdoc/>
    public SynchronizationContext SynchronizationContext { get; }

    /// <inheritdoc/>
    public PipeScheduler PipeScheduler { get; }

    /// <summary>Ends when the loop has ended: successfully after a stop, with the exception after a fault of the loop itself.</summary>
    public Task Completion => _completion.Task;

    internal EpollSelector Selector => _selector;

    internal ILoggerFactory LoggerFactory { get; }

    internal Meter Meter { get; }

    /// <summary>The provider below the loop's own: timers for code that does not run on the loop.</summary>
    internal TimeProvider Clock => _timers.Clock;

    /// <summary>Another clock may stand still: what has to happen in time can't rest on it.</summary>
    internal bool HasSystemClock => Clock == TimeProvider.System;

    /// <summary>A timestamp of <see cref="Clock"/>. On the loop's thread that of the turn's beginning, which costs no look at the clock.</summary>
    internal long TurnTimestamp => _alarm is null && IsOnLoopThread ? _turnBegan : Clock.GetTimestamp();

    /// <summary>Whether debug mode is on.</summary>
    internal bool IsDebug => _debug;

    /// <summary>Whether the thread runs, and posts and registrations are accepted.</summary>
    internal bool IsRunning => _state == LoopState.Running;

    /// <summary>Whether posts are refused.</summary>
    internal bool HasEnded => _queue.IsClosed;

    internal LoopState State => _state;

    /// <summary>Starts the loop's thread; what was posted before runs now. Again is harmless.</summary>
    /// <param name="cancellationToken">Looked at before the start alone.</param>
    /// <returns>Ends when the thread runs.</returns>
    /// <exception cref="ObjectDisposedException">The loop has been stopped: it can't be started again.</exception>
    /// <exception cref="OutOfMemoryException">The system refused a further thread.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TryTransition(LoopState.Created, LoopState.Running))
        {
            try
            {
                _thread.UnsafeStart();
            }
            catch (Exception exception)
            {
                End(exception);
                throw;
            }
        }
        else if (_state != LoopState.Running)
        {
            throw Ended();
        }
        return _started.Task;
    }

    /// <summary>
    /// Stops the loop: what was posted before runs, then signal handlers and registrations go, then the thread ends. Idempotent,
    /// from any thread; awaiting it on the loop's own thread is fine, the await then continues on the thread pool.
    /// </summary>
    /// <remarks>Timers of <see cref="Schedule"/> that are not due are dropped; those of <see cref="TimeProvider"/> go on, on the thread pool.</remarks>
    /// <param name="cancellationToken">Ends the wait, not the stop.</param>
    /// <returns>Ends when the thread has let go of everything. Does not throw for a loop that faulted: see <see cref="Completion"/>.</returns>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (TryTransition(LoopState.Created, LoopState.Stopping))
            End(fault: null);
        else if (TryTransition(LoopState.Running, LoopState.Stopping))
        {
            Volatile.Write(ref _toldToEnd, Stopwatch.GetTimestamp());
            _waker.Wake();
        }
        return _ended.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Stops the loop as <see cref="StopAsync"/> does, and waits for its end; <see cref="UnixEventLoopSettings.DisposeTimeout"/> bounds the wait.</summary>
    public async ValueTask DisposeAsync()
    {
        Task stopped = StopAsync();
        await stopped.WaitAsync(TimeLeftToEnd(), TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopped.IsCompleted)
            TellNotEnded();
    }

    /// <summary>As <see cref="DisposeAsync"/>; on the loop's own thread it does not wait.</summary>
    public void Dispose()
    {
        Task stopped = StopAsync();
        if (!IsOnLoopThread && !stopped.Wait(TimeLeftToEnd()))
            TellNotEnded();
    }

    private void TellNotEnded()
    {
        if (!Interlocked.Exchange(ref _isNotEndedTold, true))
            LoopLog.NotEnded(_logger, Name, _disposeTimeout);
    }

    private TimeSpan TimeLeftToEnd()
    {
        if (_disposeTimeout == Timeout.InfiniteTimeSpan)
            return _disposeTimeout;
        long told = Volatile.Read(ref _toldToEnd);
        TimeSpan left = told == 0 ? _disposeTimeout : _disposeTimeout - Stopwatch.GetElapsedTime(told);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public void Post(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (!TryPost(WorkItem.From(callback)))
            throw Ended();
    }

    /// <inheritdoc/>
    public void Post<TState>(Action<TState> callback, TState state) where TState : class?
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (!TryPost(WorkItem.From(callback, state)))
            throw Ended();
    }

    /// <summary>As <see cref="Post{TState}"/>, but false after the stop.</summary>
    internal bool TryPost<TState>(Action<TState> callback, TState state) where TState : class? =>
        TryPost(WorkItem.From(callback, state));

    bool ILoopThread.HasEnded => HasEnded;

    bool ILoopThread.TryPost<TState>(Action<TState> callback, TState state) where TState : class => TryPost(callback, state);

    void ILoopThread.AssertOnLoop() => AssertOnLoop();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryPost(in WorkItem item)
    {
        if (!_queue.TryEnqueue(item))
            return false;
        if (IsOnLoopThread)
            _postsDue++;
        _waker.Wake(); // on the loop too: a meter's listener is called between the announcement of the sleep and the wait
        return true;
    }

    /// <inheritdoc/>
    public Task InvokeAsync(Action callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Invoke<Action, bool>(callback, static run => { run(); return ValueTask.FromResult(true); }, context: null, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<T> InvokeAsync<T>(Func<T> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (typeof(Task).IsAssignableFrom(typeof(T)))
            throw new ArgumentException("The callback returns a Task that nobody would await: pass an async lambda, or wrap it in a ValueTask.", nameof(callback));
        return Invoke<Func<T>, T>(callback, static run => ValueTask.FromResult(run()), context: null, cancellationToken);
    }

    /// <inheritdoc/>
    public Task InvokeAsync(Func<ValueTask> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Invoke<Func<ValueTask>, bool>(
            callback, static async run => { await run().ConfigureAwait(false); return true; }, SynchronizationContext, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> callback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Invoke<Func<ValueTask<T>>, T>(callback, static run => run(), SynchronizationContext, cancellationToken);
    }

    private Task<TResult> Invoke<TCallback, TResult>(
        TCallback callback, Func<TCallback, ValueTask<TResult>> evaluate, SynchronizationContext? context, CancellationToken cancellationToken)
        where TCallback : Delegate
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<TResult>(cancellationToken);
        var invocation = new Invocation<TCallback, TResult>(callback, evaluate, context, cancellationToken);
        invocation.ObserveCancellation();
        if (!TryPost(WorkItem.From(invocation)))
            throw Ended();
        return invocation.Task;
    }

    /// <inheritdoc/>
    public IDisposable Schedule(TimeSpan delay, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        if (HasEnded)
            throw Ended();
        LoopTimer timer = CreateTimer(static state => ((Action)state!)(), callback);
        timer.Change(delay, Timeout.InfiniteTimeSpan);
        return timer;
    }

    /// <summary>One that is not armed, and whose loop takes it along when it ends.</summary>
    internal LoopTimer CreateTimer(TimerCallback callback, object? state) => new(_timers, callback, state, outlivesLoop: false);

    /// <inheritdoc/>
    public IDisposable WatchReadable(SafeHandle handle, Action callback) => _watches.Add(handle, WatchDirection.Readable, callback);

    /// <inheritdoc/>
    public IDisposable WatchWritable(SafeHandle handle, Action callback) => _watches.Add(handle, WatchDirection.Writable, callback);

    /// <inheritdoc/>
    public UnixEventLoopStatistics GetStatistics() => _counters.Read(_queue.Count, _timers.Count, _selector.Count);

    /// <summary>Counts and reports an exception that a callback let escape; any thread.</summary>
    internal void ReportUnhandled(UnhandledExceptionContext context)
    {
        _counters.AddUnhandledException();
        if (UnhandledException is not { } subscribers)
        {
            LoopLog.UnhandledException(_logger, context.Exception, Name, context.Message);
            return;
        }
        try
        {
            subscribers(context);
        }
        catch (Exception exception)
        {
            LoopLog.UnhandledExceptionHandlerFailed(_logger, exception, Name, context.Message);
        }
    }

    /// <summary>"UnixEventLoop 'web' (running, 12 descriptors, 3 timers, 0 queued)"; from any thread, also after the stop.</summary>
    public override string ToString() =>
        $"UnixEventLoop '{Name}' ({(_completion.Task.IsFaulted ? "faulted" : StateName)}, {_selector.Count} descriptors, {_timers.Count} timers, {_queue.Count} queued)";

    private string StateName => _state switch
    {
        LoopState.Created => "not started",
        LoopState.Running => "running",
        LoopState.Stopping => "stopping",
        _ => "stopped",
    };

    private ObjectDisposedException Ended() => new(nameof(UnixEventLoop), $"The event loop '{Name}' has stopped.");

#pragma warning disable CS0420 // Interlocked is as volatile as the field
    private bool TryTransition(LoopState from, LoopState to) =>
        Interlocked.CompareExchange(ref _state, to, from) == from;
#pragma warning restore CS0420
}
