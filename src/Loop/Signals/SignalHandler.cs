namespace UnixLoop.Signals;

/// <summary>What a loop does for a signal: <see cref="OnLoop"/> or <see cref="OnPool"/>.</summary>
internal abstract class SignalHandler
{
    /// <summary>Called once, when the handler is removed or replaced; off the locks, since it may run the user's code.</summary>
    internal virtual Task RetireAsync() => Task.CompletedTask;

    /// <summary>A plain callback, for the loop's thread.</summary>
    internal sealed class OnLoop(Action callback) : SignalHandler
    {
        internal Action Callback { get; } = callback;
    }

    /// <summary>An asynchronous one, for the thread pool.</summary>
#pragma warning disable CA1001 // its source has no timer and no handle, and a call under way may still use the token
    internal sealed class OnPool(Func<CancellationToken, ValueTask> callback) : SignalHandler
    {
        private readonly CancellationTokenSource _retired = new();

        internal CancellationToken Retired => _retired.Token;

        internal ValueTask InvokeAsync() => callback(_retired.Token);

        internal override Task RetireAsync() => _retired.CancelAsync();
    }
#pragma warning restore CA1001
}
