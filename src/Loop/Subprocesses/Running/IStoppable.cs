namespace UnixLoop.Subprocesses;

/// <summary>What an <see cref="EarlyStop"/> stops: one child, or all members of a pipeline.</summary>
internal interface IStoppable
{
    /// <summary>Whether there is nothing left to stop.</summary>
    bool HasExited { get; }

    /// <summary>By the ladder; ends with the reap.</summary>
    /// <exception cref="UnauthorizedAccessException">EPERM: it runs as another user.</exception>
    Task StopAsync(TimeSpan grace);
}
