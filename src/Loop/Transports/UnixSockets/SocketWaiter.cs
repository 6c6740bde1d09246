using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace UnixLoop.Transports.UnixSockets;

// The half of a ValueTask's source that brings its awaiter to its thread, without an allocation: its owner, which the task
// refers to, is also the item that the thread pool gets.
//   Begin        the owner hands out a task (under its lock)
//   OnCompleted  the awaiter's thread leaves its continuation
//   Signal       the owner has a result (under its lock)
// Of the last two either may come first; who comes second dispatches. Between Signal and the result's taking nothing else is begun.
internal struct SocketWaiter
{
    private static readonly Action<object?> s_signalled = static _ => throw new InvalidOperationException("This marks a result without an awaiter.");
    private static readonly Action<object?> s_schedule = static item => ((IThreadPoolWorkItem)item!).Execute();
    private static readonly SendOrPostCallback s_send = static item => ((IThreadPoolWorkItem)item!).Execute();

    private Action<object?>? _continuation;
    private object? _state;

    /// <summary>A SynchronizationContext or TaskScheduler that the awaiter wants to come back to.</summary>
    private object? _context;
    private ExecutionContext? _execution;

    /// <summary>Between <see cref="Dispatch"/> and <see cref="Run"/>.</summary>
    private bool _isDue;

    internal short Version { get; private set; }

    internal void Begin()
    {
        Version++;
        _continuation = null;
    }

    internal readonly void Check(short token)
    {
        if (token != Version)
            throw new InvalidOperationException("The ValueTask has been awaited already: each may be consumed once.");
    }

    /// <summary>True if the result was there first: the caller dispatches.</summary>
    internal bool OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Check(token);
        // Before anything of the first is overwritten.
        if (Volatile.Read(ref _continuation) is { } first && !ReferenceEquals(first, s_signalled))
            throw AwaitedTwice();
        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0)
            _execution = ExecutionContext.Capture();
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0)
            _context = CurrentContext();
        _state = state;
        Action<object?>? previous = Interlocked.CompareExchange(ref _continuation, continuation, null);
        if (previous is null)
            return false;
        if (!ReferenceEquals(previous, s_signalled))
            throw AwaitedTwice();
        _continuation = continuation;
        return true;
    }

    private static InvalidOperationException AwaitedTwice() => new("The ValueTask is being awaited already: each may be consumed once.");

    /// <summary>True if an awaiter is there: the caller dispatches, off its lock.</summary>
    internal bool Signal() => Interlocked.CompareExchange(ref _continuation, s_signalled, null) is not null;

    /// <param name="item">The owner; its Execute calls <see cref="Run"/>.</param>
    /// <param name="loop">The connection's.</param>
    /// <param name="scheduler">Where to without a context; inline is on the loop.</param>
    /// <param name="fromReadiness">On the loop, called by the selector: no code of the user is on the stack.</param>
    internal void Dispatch(IThreadPoolWorkItem item, UnixEventLoop loop, PipeScheduler scheduler, bool fromReadiness)
    {
        Volatile.Write(ref _isDue, true);
        if (_context is { } context)
            DispatchToContext(context, item, loop, fromReadiness);
        else if (ReferenceEquals(scheduler, PipeScheduler.ThreadPool))
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
        else if (!ReferenceEquals(scheduler, PipeScheduler.Inline))
            HandTo(static to => to.Scheduler.Schedule(s_schedule, to.Item), (Scheduler: scheduler, Item: item), item, loop);
        else if (fromReadiness)
            item.Execute();
        else if (!loop.TryPost(s_schedule, (object?)item))
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }

    private void DispatchToContext(object target, IThreadPoolWorkItem item, UnixEventLoop loop, bool fromReadiness)
    {
        if (target is TaskScheduler scheduler)
        {
            HandTo(
                static to => Task.Factory.StartNew(s_schedule, to.Item, CancellationToken.None, TaskCreationOptions.DenyChildAttach, to.Scheduler),
                (Scheduler: scheduler, Item: item), item, loop);
            return;
        }
        var context = (SynchronizationContext)target;
        if (!fromReadiness || !ReferenceEquals(context, loop.SynchronizationContext))
        {
            HandTo(static to => to.Context.Post(s_send, to.Item), (Context: context, Item: item), item, loop);
            return;
        }
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            item.Execute();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    /// <summary>
    /// Nobody must wait for ever because of a scheduler that takes nothing more; one that threw after it had taken the item runs it in vain. Nor must the
    /// caller, who may be closing a connection, meet what such code throws where it is run at once.
    /// </summary>
    private void HandTo<T>(Action<T> hand, T to, IThreadPoolWorkItem item, UnixEventLoop loop)
    {
        try
        {
            hand(to);
        }
        catch (Exception e)
        {
            bool isLeft = Volatile.Read(ref _isDue);
            if (isLeft)
                ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
            loop.ReportUnhandled(new UnhandledExceptionContext(
                isLeft
                    ? "The scheduler or context where awaiting code was to go on failed, so it goes on on the thread pool"
                    : "Awaiting code that its scheduler or context ran at once failed",
                e, item));
        }
    }

    /// <summary>What awaited goes on, once for each <see cref="Dispatch"/>.</summary>
    internal void Run()
    {
        if (!Interlocked.Exchange(ref _isDue, false))
            return;
        // Out before the call: it may begin the next wait.
        (Action<object?> continuation, object? state, ExecutionContext? execution) = (_continuation!, _state, _execution);
        _state = null;
        _context = null;
        _execution = null;
        if (execution is null)
            continuation(state);
        else
            ExecutionContext.Run(execution, static call => ((Call)call!).Invoke(), new Call(continuation, state));
    }

    private static object? CurrentContext()
    {
        if (SynchronizationContext.Current is { } context && context.GetType() != typeof(SynchronizationContext))
            return context;
        return TaskScheduler.Current == TaskScheduler.Default ? null : TaskScheduler.Current;
    }

    private sealed record Call(Action<object?> Continuation, object? State)
    {
        internal void Invoke() => Continuation(State);
    }
}
