namespace UnixLoop.Signals;

/// <summary>What this room posts to its loop.</summary>
/// <remarks>A type of its own: the loop's thread alone may run it, while posts with an object as state may end up on the thread pool.</remarks>
internal abstract class SignalWork
{
    internal static readonly Action<SignalWork> Run = static work => work.RunOnLoop();

    protected abstract void RunOnLoop();

    /// <summary>Names the work where debug mode finds it slow.</summary>
    public abstract override string ToString();
}
