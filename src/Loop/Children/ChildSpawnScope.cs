namespace UnixLoop;

/// <summary>The time between a spawn and the child's registration (asyncio: <c>with watcher:</c>). Dispose it exactly once.</summary>
/// <param name="End">Called when the scope is left, on the spawning thread; null does nothing.</param>
public readonly record struct ChildSpawnScope(Action? End) : IDisposable
{
    /// <summary>Leaves the scope.</summary>
    public void Dispose() => End?.Invoke();
}
