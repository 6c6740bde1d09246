using System.Reflection;
using System.Runtime.CompilerServices;

namespace UnixLoop.Signals;

/// <summary>One loop's table of signal handlers. Any thread.</summary>
internal sealed class LoopSignalHandlers(SignalLoop loop, SignalHub hub)
{
    /// <summary>Guards the table and each slot's Handler. Taken before the hub's gate, never by a delivery.</summary>
    private readonly Lock _gate = new();

    private readonly SignalSlot?[] _slots = new SignalSlot?[UnixSignal.Max + 1];
    private readonly SerialCalls?[] _calls = new SerialCalls?[UnixSignal.Max + 1];
    private bool _closed;

    internal void Add(UnixSignal signal, Action callback)
    {
        RefuseAsyncVoid(callback);
        Add(signal, new SignalHandler.OnLoop(callback));
    }

    internal void Add<TState>(UnixSignal signal, Action<TState> callback, TState state)
    {
        RefuseAsyncVoid(callback);
        Add(signal, new SignalHandler.OnLoop(() => callback(state)));
    }

    internal void Add(UnixSignal signal, Func<CancellationToken, ValueTask> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Add(signal, new SignalHandler.OnPool(callback));
    }

    /// <summary>Whether there was one.</summary>
    internal bool Remove(UnixSignal signal)
    {
        if (signal.Number == 0)
            throw new ArgumentException(SignalRefusals.ReasonFor(signal), nameof(signal));
        SignalHandler? removed;
        lock (_gate)
            removed = RemoveSlot(signal.Number);
        if (removed is null)
            return false;
        Retire(removed);
        SignalLog.Removed(loop.Logger, loop.Name, signal);
        return true;
    }

    /// <summary>Removes every handler and refuses new ones; idempotent. Asynchronous calls under way are cancelled, not awaited.</summary>
    internal void CloseAll()
    {
        List<SignalHandler> removed = [];
        lock (_gate)
        {
            _closed = true;
            for (int number = 1; number < _slots.Length; number++)
            {
                if (RemoveSlot(number) is { } handler)
                    removed.Add(handler);
            }
        }
        removed.ForEach(Retire);
    }

    private void Add(UnixSignal signal, SignalHandler handler)
    {
        SignalRefusals.ThrowIfRefused(signal, Environment.ProcessId);
        SignalHandler? replaced = null;
        bool canCome = true;
        lock (_gate)
        {
            if (_closed)
                throw new ObjectDisposedException(nameof(UnixEventLoop), $"The event loop '{loop.Name}' has stopped.");
            if (_slots[signal.Number] is { } slot)
                (replaced, slot.Handler) = (slot.Handler, handler);
            else
                canCome = Install(signal, handler);
        }
        if (replaced is null)
        {
            SignalLog.Added(loop.Logger, loop.Name, signal);
        }
        else
        {
            Retire(replaced);
            SignalLog.Replaced(loop.Logger, loop.Name, signal);
        }
        if (!canCome)
            SignalLog.Ignored(loop.Logger, loop.Name, signal);
    }

    private bool Install(UnixSignal signal, SignalHandler handler)
    {
        // The handler before the subscription, which may deliver at once; the table last, since the subscription may fail.
        var slot = new SignalSlot(signal, loop, _calls[signal.Number] ??= new SerialCalls()) { Handler = handler };
        bool canCome = hub.Add(slot);
        _slots[signal.Number] = slot;
        return canCome;
    }

    private SignalHandler? RemoveSlot(int number)
    {
        if (_slots[number] is not { } slot)
            return null;
        _slots[number] = null;
        SignalHandler? handler = slot.Handler;
        slot.Handler = null;
        hub.Remove(slot);
        return handler;
    }

    /// <summary>Off the lock: callbacks of the token are the user's. They run on the thread pool.</summary>
    private async void Retire(SignalHandler handler)
    {
        try
        {
            await handler.RetireAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            loop.Report("A callback of a signal handler's cancellation token failed", e);
        }
    }

    /// <summary>
    /// An async lambda without a parameter becomes an Action: nobody would await it, and its exception would end the process.
    /// asyncio refuses a coroutine here.
    /// </summary>
    private static void RefuseAsyncVoid(Delegate callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        foreach (Delegate target in callback.GetInvocationList())
        {
            if (target.Method.IsDefined(typeof(AsyncStateMachineAttribute)))
                throw new ArgumentException("The callback is 'async void', which nobody can await: take the overload whose callback gets a CancellationToken.", nameof(callback));
        }
    }
}
