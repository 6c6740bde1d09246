namespace UnixLoop.Scheduling;

/// <summary>
/// An InvokeAsync call: waits in the queue, then runs once under the caller's ExecutionContext, or ends without running because
/// it was cancelled or the loop ended first.
/// </summary>
internal abstract class Invocation(CancellationToken cancellationToken)
{
    private const int Waiting = 0;
    private const int Decided = 1;

    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private CancellationTokenRegistration _registration;
    private int _state = Waiting;

    /// <summary>Arms the cancellation; after the construction is complete.</summary>
    internal void ObserveCancellation() =>
        _registration = cancellationToken.UnsafeRegister(static (self, token) => ((Invocation)self!).OnCanceled(token), this);

    internal void RunOnLoop()
    {
        if (!TryDecide())
            return;
        if (_context is null)
            Run();
        else
            ExecutionContext.Run(_context, static self => ((Invocation)self!).Run(), this);
    }

    /// <summary>The loop ended before the turn of this call came.</summary>
    internal void Abandon(Exception reason)
    {
        if (TryDecide())
            Fail(reason);
    }

    private void OnCanceled(CancellationToken token)
    {
        if (TryDecide())
            Cancel(token);
    }

    private bool TryDecide()
    {
        if (Interlocked.Exchange(ref _state, Decided) != Waiting)
            return false;
        _registration.Unregister(); // not Dispose, which would wait for an OnCanceled that may be the caller
        return true;
    }

    /// <summary>What runs, to name it in logs.</summary>
    internal abstract Delegate Target { get; }

    /// <summary>Runs the callback and settles the task; lets no exception out.</summary>
    protected abstract void Run();

    protected abstract void Fail(Exception exception);

    protected abstract void Cancel(CancellationToken token);
}

/// <summary>An invocation with a task for the caller; what <paramref name="evaluate"/> starts may go on asynchronously.</summary>
internal sealed class Invocation<TCallback, TResult>(
    TCallback callback, Func<TCallback, ValueTask<TResult>> evaluate, SynchronizationContext? context, CancellationToken cancellationToken)
    : Invocation(cancellationToken)
    where TCallback : Delegate
{
    private readonly TaskCompletionSource<TResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<TResult> Task => _completion.Task;

    internal override Delegate Target => callback;

    protected override void Run()
    {
        SynchronizationContext? previous = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            _ = SettleAsync();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(previous);
        }
    }

    private async Task SettleAsync()
    {
        try
        {
            _completion.TrySetResult(await evaluate(callback).ConfigureAwait(false));
        }
        catch (OperationCanceledException canceled)
        {
            _completion.TrySetCanceled(canceled.CancellationToken);
        }
        catch (Exception exception)
        {
            // Whatever the callback threw belongs to the caller, who awaits the task.
            _completion.TrySetException(exception);
        }
    }

    protected override void Fail(Exception exception) => _completion.TrySetException(exception);

    protected override void Cancel(CancellationToken token) => _completion.TrySetCanceled(token);
}
