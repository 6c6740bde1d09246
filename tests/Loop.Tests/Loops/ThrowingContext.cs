namespace UnixLoop.Loop.Tests.Loops;

/// <summary>A context that takes no work any more.</summary>
internal sealed class ThrowingContext : SynchronizationContext
{
    internal const string Message = "No work is taken any more.";

    public override void Post(SendOrPostCallback d, object? state) => throw new InvalidOperationException(Message);

    /// <summary>To be called before; the result waits for the loop to be told, once.</summary>
    internal static Func<Task> ExpectReport(UnixEventLoop loop)
    {
        TaskCompletionSource<UnhandledExceptionContext> reported = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.UnhandledException += reported.SetResult;
        return async () =>
        {
            Assert.Equal(Message, (await reported.Task.WaitAsync(TestTimeout)).Exception.Message);
            Assert.Equal(1, loop.GetStatistics().UnhandledExceptions);
        };
    }

    /// <summary>Code that <paramref name="call"/> awaits wants to go on here.</summary>
    internal static Task Within(Func<Task> call)
    {
        SynchronizationContext? own = Current;
        SetSynchronizationContext(new ThrowingContext());
        try
        {
            return call();
        }
        finally
        {
            SetSynchronizationContext(own);
        }
    }
}
