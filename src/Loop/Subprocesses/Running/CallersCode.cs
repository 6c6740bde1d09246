namespace UnixLoop.Subprocesses;

/// <summary>Sources and targets of the caller's, at the end of their run.</summary>
internal static class CallersCode
{
    /// <summary>
    /// Cancels it, and waits for it and for what it has registered with the token, but for no longer than <paramref name="patience"/>:
    /// the run is over, whether they throw or never return.
    /// </summary>
    internal static async Task LetGoAsync(CancellationTokenSource token, Task work, TimeSpan patience, TimeProvider clock) =>
        await EndAsync(token, work).WaitAsync(patience, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>What no longer is waited for keeps the token until it ends.</summary>
    private static async Task EndAsync(CancellationTokenSource token, Task work)
    {
        await token.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        token.Dispose();
    }
}
