namespace UnixLoop.TestSupport.Children;

/// <summary>Notes what a watcher tells it.</summary>
internal sealed class RecordingHandler : IChildExitHandler
{
    private readonly TaskCompletionSource<ChildExitStatus> _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _exitingCalls;
    private int _exitedCalls;

    /// <summary>Ends with the first notice.</summary>
    internal Task<ChildExitStatus> Exited => _told.Task.WaitAsync(TestTimeout);

    internal bool IsTold => _told.Task.IsCompleted;

    internal int ExitingCalls => Volatile.Read(ref _exitingCalls);

    internal int ExitedCalls => Volatile.Read(ref _exitedCalls);

    internal int Pid { get; private set; }

    /// <summary>The name of the thread that told; null on the thread pool.</summary>
    internal string? ToldOn { get; private set; }

    /// <summary>Further work of a test, after the call has been noted.</summary>
    internal Action<int>? WhenExiting { get; init; }

    internal Action<int>? WhenExited { get; init; }

    public void OnExiting(int pid)
    {
        Interlocked.Increment(ref _exitingCalls);
        WhenExiting?.Invoke(pid);
    }

    public void OnExited(int pid, in ChildExitStatus status)
    {
        Interlocked.Increment(ref _exitedCalls);
        Pid = pid;
        ToldOn = Thread.CurrentThread.Name;
        try
        {
            WhenExited?.Invoke(pid);
        }
        finally
        {
            _told.TrySetResult(status);
        }
    }
}
