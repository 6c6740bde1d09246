namespace UnixLoop.Hosting;

/// <summary>Where a supervised process stands.</summary>
public enum SupervisedProcessState
{
    /// <summary>It is not running: it was stopped, or it has not been started yet.</summary>
    Stopped,

    /// <summary>It is being started.</summary>
    Starting,

    /// <summary>It runs, and has not shown yet that it is ready.</summary>
    Unready,

    /// <summary>It runs and is ready; one that has no readiness to show is ready once it runs.</summary>
    Ready,

    /// <summary>It is being stopped.</summary>
    Stopping,

    /// <summary>It is being stopped, to be started again at once.</summary>
    Restarting,

    /// <summary>It is being stopped because it was not ready in time; its restart policy decides what follows.</summary>
    Failing,

    /// <summary>It has ended and is started again when its delay has passed.</summary>
    BackingOff,

    /// <summary>It ended with exit code 0, and its restart policy leaves it at that.</summary>
    Completed,

    /// <summary>It failed, and its restart policy or the limit of its starts leaves it at that.</summary>
    Failed,
}
