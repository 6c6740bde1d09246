using System.Runtime.InteropServices;

namespace UnixLoop;

/// <summary>
/// A strategy for learning that child processes have ended, and with which status (asyncio: <c>AbstractChildWatcher</c>).
/// Thread-safe. A watcher reaps only children that were added to it (see <see cref="FastChildWatcher.ReapsUnknownChildren"/> for the one exception).
/// </summary>
public interface IChildWatcher : IDisposable
{
    /// <summary>Whether children can be added: attached to a loop that has not stopped (asyncio: <c>is_active</c>).</summary>
    bool IsActive { get; }

    /// <summary>Starts watching on <paramref name="loop"/>; children added before, also those that died in between, are reported there.</summary>
    /// <param name="loop">The loop on which handlers are called.</param>
    /// <exception cref="InvalidOperationException">The watcher is attached to another loop: detach it first.</exception>
    /// <exception cref="PlatformNotSupportedException">This system lacks what the strategy needs.</exception>
    void Attach(IUnixEventLoop loop);

    /// <summary>Stops watching. Children that are still registered stay so until the next <see cref="Attach"/>; a warning says how many.</summary>
    void Detach();

    /// <summary>Entered before a spawn and left after <see cref="Add"/> (asyncio: <c>with watcher:</c>), for strategies that must not take unknown exits meanwhile.</summary>
    /// <returns>Dispose it once the child is added, or the spawn has failed.</returns>
    ChildSpawnScope BeginSpawn();

    /// <summary>
    /// Watches the child <paramref name="pid"/> (asyncio: <c>add_child_handler</c>). A child that is already dead is reported
    /// too; a second handler for the same child replaces the first. The handler is called exactly once, never inside this call.
    /// </summary>
    /// <param name="pid">A child of this process that nobody has reaped.</param>
    /// <param name="pidfd">A pidfd for it, borrowed until the exit has been told; null lets the watcher open one if it needs it.</param>
    /// <param name="handler">Called on the loop's thread, or, once the loop has ended, on the orphan queue's thread.</param>
    /// <exception cref="InvalidOperationException">The watcher is not active.</exception>
    void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler);

    /// <summary>Forgets the handler of <paramref name="pid"/>; the child is then nobody's, and the caller must see that it is reaped (asyncio: <c>remove_child_handler</c>).</summary>
    /// <param name="pid">The child.</param>
    /// <returns>Whether there was one.</returns>
    bool Remove(int pid);
}
