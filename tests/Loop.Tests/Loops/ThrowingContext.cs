namespace UnixLoop.Loop.Tests.Loops;

/// <summary>A context that takes no work any more.</summary>
internal sealed class ThrowingContext : SynchronizationContext
{
    internal const string Message = "No work is taken any more.";

    public override void Post(SendOrPostCallback d, object? state) => throw new InvalidOperationException(Message);

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
