namespace UnixLoop.Signals;

/// <summary>
/// Calls one after the other, on the thread pool: what is requested during a call is told by one further call. One of these
/// lasts as long as its loop's table, so that a call of a removed handler and the first one of its successor do not overlap.
/// </summary>
internal sealed class SerialCalls : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private SignalSlot? _due;
    private bool _running;

    internal void Request(SignalSlot slot)
    {
        lock (_gate)
        {
            _due = slot;
            if (_running)
                return;
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        while (TakeDue() is { } slot)
            await slot.CallAsync().ConfigureAwait(false);
    }

    private SignalSlot? TakeDue()
    {
        lock (_gate)
        {
            SignalSlot? due = _due;
            _due = null;
            _running = due is not null;
            return due;
        }
    }
}
