using System.Runtime.CompilerServices;

namespace UnixLoop.Scheduling;

/// <summary>A callback and its state, kept by value so that posting allocates nothing.</summary>
internal readonly unsafe struct WorkItem
{
    private readonly delegate*<object, object?, void> _invoke;

    private WorkItem(object callback, object? state, delegate*<object, object?, void> invoke)
    {
        Callback = callback;
        State = state;
        _invoke = invoke;
    }

    /// <summary>The context of the loop whose thread this is.</summary>
    [field: ThreadStatic]
    internal static SynchronizationContext? ContextOfThisThread { get; set; }

    /// <summary>The delegate, or the <see cref="Invocation"/>.</summary>
    internal object Callback { get; }

    internal object? State { get; }

    internal static WorkItem From(Action callback) => new(callback, null, null);

    internal static WorkItem From<TState>(Action<TState> callback, TState state) where TState : class? =>
        new(callback, state, &InvokeWithState<TState>);

    internal static WorkItem From(SendOrPostCallback callback, object? state) => new(callback, state, &InvokeSendOrPost);

    internal static WorkItem From(Invocation invocation) => new(invocation, null, &InvokeInvocation);

    internal void Invoke()
    {
        if (IsAction)
            Unsafe.As<Action>(Callback)();
        else
            _invoke(Callback, State);
    }

    /// <summary>
    /// A continuation (of an await, or of a pipe: told by their delegates' types) goes to the thread pool when the loop can't run
    /// it, because somebody waits for it; false for what is bound to the loop.
    /// </summary>
    internal bool TryRunElsewhere() =>
        Callback is SendOrPostCallback or Action<object?>
        && ThreadPool.UnsafeQueueUserWorkItem(static item => item.Invoke(), this, preferLocal: false);

    // Unsafe.As is right here: each From pairs the delegate with the function that knows its type.
    private static void InvokeWithState<TState>(object callback, object? state) where TState : class? =>
        Unsafe.As<Action<TState>>(callback)(Unsafe.As<object?, TState>(ref state));

    /// <summary>A continuation runs under the context that it was posted to, so that its own awaits come back too.</summary>
    private static void InvokeSendOrPost(object callback, object? state)
    {
        SynchronizationContext.SetSynchronizationContext(ContextOfThisThread);
        try
        {
            Unsafe.As<SendOrPostCallback>(callback)(state);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    private static void InvokeInvocation(object callback, object? state) => Unsafe.As<Invocation>(callback).RunOnLoop();

    /// <summary>Whether the callback is all that there is to it: true of every <see cref="Action"/>, and of nothing else.</summary>
    private bool IsAction => _invoke == null;

    /// <summary>Where a callback lies for its reader.</summary>
    internal struct Slot
    {
        private object? _callback;

        internal readonly bool IsFilled => Volatile.Read(in _callback) is not null;

        /// <summary>What there is to say of the item lies in <paramref name="details"/>; the callback comes last.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Fill(in WorkItem item, ref Details details)
        {
            if (!item.IsAction)
                details = new Details(item.State, item._invoke);
            Volatile.Write(ref _callback, item.Callback);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool TryTake(ref Details details, out WorkItem item)
        {
            object? callback = Volatile.Read(ref _callback);
            if (callback is null)
            {
                item = default;
                return false;
            }
            if (callback.GetType() == typeof(Action))
            {
                item = new WorkItem(callback, null, null);
            }
            else
            {
                item = new WorkItem(callback, details.State, details.Invoke);
                details.State = null;
            }
            _callback = null;
            return true;
        }
    }

    /// <summary>What an item has besides its callback.</summary>
    internal struct Details
    {
        internal object? State;
        internal readonly delegate*<object, object?, void> Invoke;

        internal Details(object? state, delegate*<object, object?, void> invoke)
        {
            State = state;
            Invoke = invoke;
        }
    }
}
