using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UnixLoop;

/// <summary>
/// An epoll event loop on a dedicated thread: asyncio's Unix event loop in .NET's idiom. Every member may be used from any
/// thread; callbacks run on the loop's thread, one at a time.
/// </summary>
/// <remarks>
/// Before the loop starts, <see cref="Post(Action)"/>, <c>InvokeAsync</c> and <see cref="Schedule"/> queue. After it has
/// stopped they throw <see cref="ObjectDisposedException"/>; what was posted before the stop has run by then.
/// </remarks>
public interface IUnixEventLoop
{
    /// <summary>The loop's name, which is also its thread's name.</summary>
    string Name { get; }

    /// <summary>Whether the caller runs on this loop's thread.</summary>
    bool IsOnLoopThread { get; }

    /// <summary>A clock whose timers call back on the loop's thread (asyncio: <c>loop.time</c>, <c>loop.call_later</c>).</summary>
    TimeProvider TimeProvider { get; }

    /// <summary>
    /// Continues awaits on the loop. Its <c>Post</c> never throws: once the loop has stopped, continuations run on the thread pool.
    /// </summary>
    SynchronizationContext SynchronizationContext { get; }

    /// <summary>
    /// Runs pipe callbacks on the loop. Its <c>Schedule</c> never throws: once the loop has stopped, callbacks run on the thread pool.
    /// </summary>
    PipeScheduler PipeScheduler { get; }

    /// <summary>
    /// Raised for an exception that a callback let escape (asyncio: <c>call_exception_handler</c>), on the thread that ran it: the
    /// loop's as a rule, another one for what is flushed or drained elsewhere and once the loop has stopped. Without
    /// a subscriber the exception is logged; with or without, it is counted and the loop goes on. A subscriber that throws is
    /// logged and ignored.
    /// </summary>
    event Action<UnhandledExceptionContext>? UnhandledException;

    /// <summary>Queues <paramref name="callback"/> for the loop's thread, in order (asyncio: <c>call_soon_threadsafe</c>). Allocates nothing.</summary>
    /// <param name="callback">Runs on the loop's thread.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    void Post(Action callback);

    /// <summary>Queues <paramref name="callback"/> with <paramref name="state"/>, so that no closure is needed. Allocates nothing.</summary>
    /// <typeparam name="TState">A reference type: a value would be boxed.</typeparam>
    /// <param name="callback">Runs on the loop's thread.</param>
    /// <param name="state">Handed to <paramref name="callback"/>.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    void Post<TState>(Action<TState> callback, TState state) where TState : class?;

    /// <summary>Runs <paramref name="callback"/> on the loop's thread; the task ends when it has run, or with its exception.</summary>
    /// <param name="callback">Runs on the loop's thread, in the order of the posts.</param>
    /// <param name="cancellationToken">Cancels the call while it still waits for its turn.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    Task InvokeAsync(Action callback, CancellationToken cancellationToken = default);

    /// <summary>Runs <paramref name="callback"/> on the loop's thread and returns its result.</summary>
    /// <typeparam name="T">The result; a <see cref="Task"/> is refused, since it would not be awaited: use an async lambda.</typeparam>
    /// <param name="callback">Runs on the loop's thread, in the order of the posts.</param>
    /// <param name="cancellationToken">Cancels the call while it still waits for its turn.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    Task<T> InvokeAsync<T>(Func<T> callback, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs asynchronous work on the loop's thread: it starts there, under <see cref="SynchronizationContext"/>, so that its
    /// awaits come back to the loop. The task ends when the work has.
    /// </summary>
    /// <param name="callback">Starts on the loop's thread, in the order of the posts.</param>
    /// <param name="cancellationToken">Cancels the call while it still waits for its turn.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    [OverloadResolutionPriority(1)]
    Task InvokeAsync(Func<ValueTask> callback, CancellationToken cancellationToken = default);

    /// <summary>Runs asynchronous work with a result on the loop's thread, as <see cref="InvokeAsync(Func{ValueTask}, CancellationToken)"/> does.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="callback">Starts on the loop's thread, in the order of the posts.</param>
    /// <param name="cancellationToken">Cancels the call while it still waits for its turn.</param>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    [OverloadResolutionPriority(1)]
    Task<T> InvokeAsync<T>(Func<ValueTask<T>> callback, CancellationToken cancellationToken = default);

    /// <summary>Runs <paramref name="callback"/> once, after <paramref name="delay"/> (asyncio: <c>call_later</c>).</summary>
    /// <param name="delay">Zero or more; never earlier, rounded up to the next millisecond. At most 24 days per epoll_wait(2), longer delays wait several times.</param>
    /// <param name="callback">Runs on the loop's thread.</param>
    /// <returns>Disposing it cancels the timer, from any thread; on the loop's thread it then never runs.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    IDisposable Schedule(TimeSpan delay, Action callback);

    /// <summary>
    /// Calls back on the loop whenever <paramref name="handle"/> can be read without blocking, has reached its end or has failed
    /// (asyncio: <c>add_reader</c>; epoll(7), level-triggered).
    /// </summary>
    /// <param name="handle">A pollable descriptor: pipe, socket, terminal, eventfd, pidfd and the like. It is borrowed: its close is put off until the registration is disposed.</param>
    /// <param name="callback">Runs on the loop's thread.</param>
    /// <returns>Disposing it ends the watch, from any thread; when that is done on the loop's thread, the callback never runs again.</returns>
    /// <exception cref="InvalidOperationException">The descriptor is already watched for reading, or belongs to a transport of the loop.</exception>
    /// <exception cref="ArgumentException">The descriptor can't be polled: regular files and directories (epoll_ctl(2), EPERM).</exception>
    /// <exception cref="IOException">epoll_ctl(2) failed; the message names the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped, or the handle is closed.</exception>
    IDisposable WatchReadable(SafeHandle handle, Action callback);

    /// <summary>Calls back on the loop whenever <paramref name="handle"/> can be written without blocking or has failed (asyncio: <c>add_writer</c>).</summary>
    /// <inheritdoc cref="WatchReadable" path="/param|/returns|/exception"/>
    IDisposable WatchWritable(SafeHandle handle, Action callback);

    /// <summary>
    /// Runs <paramref name="callback"/> on the loop for each delivery of <paramref name="signal"/> (asyncio: <c>add_signal_handler</c>).
    /// A second handler for the same signal on the same loop replaces the first; other loops keep theirs.
    /// </summary>
    /// <param name="signal">Which signal; see <see cref="UnixSignal"/> for those that can't be handled, and why.</param>
    /// <param name="callback">Runs on the loop's thread. Standard signals coalesce (signal(7)): never count them; real-time ones queue.</param>
    /// <exception cref="ArgumentException">The callback is <c>async void</c>, or the signal can't be handled; the message names it and the reason.</exception>
    /// <exception cref="InvalidOperationException">SIGCHLD where this process can't handle it: as PID 1 the runtime reaps every child; the message says why.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    /// <exception cref="IOException">The system refused the handler.</exception>
    void AddSignalHandler(UnixSignal signal, Action callback);

    /// <inheritdoc cref="AddSignalHandler(UnixSignal, Action)"/>
    /// <typeparam name="TState">The type of <paramref name="state"/>.</typeparam>
    /// <param name="signal">Which signal.</param>
    /// <param name="callback">Runs on the loop's thread, with <paramref name="state"/>.</param>
    /// <param name="state">Handed to <paramref name="callback"/>.</param>
    void AddSignalHandler<TState>(UnixSignal signal, Action<TState> callback, TState state);

    /// <summary>
    /// Runs asynchronous work on the thread pool for <paramref name="signal"/>: one call at a time for each signal; deliveries
    /// during a call are told by one further call.
    /// </summary>
    /// <param name="signal">Which signal.</param>
    /// <param name="callback">Runs on the thread pool. Its token is cancelled when the handler is removed or the loop stops.</param>
    /// <inheritdoc cref="AddSignalHandler(UnixSignal, Action)" path="/exception"/>
    void AddSignalHandler(UnixSignal signal, Func<CancellationToken, ValueTask> callback);

    /// <summary>
    /// Removes this loop's handler for <paramref name="signal"/> (asyncio: <c>remove_signal_handler</c>); the last one of the
    /// process restores the default disposition.
    /// </summary>
    /// <param name="signal">Which signal; one that can't be handled has no handler.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException"><paramref name="signal"/> is <c>default</c>, which is no signal.</exception>
    bool RemoveSignalHandler(UnixSignal signal);

    /// <summary>What the loop has done so far, and how busy it is; at any time, without a lock on the loop's path.</summary>
    UnixEventLoopStatistics GetStatistics();
}
