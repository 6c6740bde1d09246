namespace UnixLoop.Timers;

/// <summary>What timers ask of the loop above them. Any thread.</summary>
internal interface ILoopThread
{
    bool IsOnLoopThread { get; }

    /// <summary>Whether posts are refused.</summary>
    bool HasEnded { get; }

    /// <summary>Queues a callback; false once the loop has ended.</summary>
    bool TryPost<TState>(Action<TState> callback, TState state) where TState : class?;

    /// <summary>Throws unless the caller is on the loop's thread.</summary>
    void AssertOnLoop();
}
