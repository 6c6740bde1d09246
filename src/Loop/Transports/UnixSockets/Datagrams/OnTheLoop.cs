namespace UnixLoop.Transports.UnixSockets;

/// <summary>For code that awaits and is to go on on the loop, wherever the end of its wait came from.</summary>
internal static class OnTheLoop
{
    /// <summary>In a later turn of the loop; on the pool once it has ended. Never on the caller's stack.</summary>
    internal static void Call<TState>(UnixEventLoop loop, Action<TState> callback, TState state) where TState : class
    {
        if (!loop.TryPost(callback, state))
            ThreadPool.UnsafeQueueUserWorkItem(callback, state, preferLocal: false);
    }
}
