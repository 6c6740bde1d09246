namespace UnixLoop.Children;

/// <summary>
/// One way of looking out for the exit of one child: through its pidfd on the loop, with a thread, or in the orphan queue. What
/// a watch sees counts only as long as it is its child's <see cref="WatchedChild.Watch"/>.
/// </summary>
internal abstract class ChildWatch
{
    /// <summary>After how long the watch asks again for a child whose reap was put off (<see cref="CollectResult.Again"/>).</summary>
    internal virtual TimeSpan RetryInterval => TimeSpan.FromMilliseconds(10);

    /// <summary>The watcher leaves its loop. Called under the registry's gate.</summary>
    /// <returns>Whether the watch goes on without the loop; if not, it has ended.</returns>
    internal abstract bool Suspend();

    /// <summary>Whether a child that dies while the watcher is detached is left for the next Attach.</summary>
    internal virtual bool ReportsOnlyWhenAttached => false;

    /// <summary>Stops looking out. Any thread, more than once.</summary>
    internal abstract void End();

    /// <summary>As <see cref="End"/>, for a child that has been reaped and whose pidfd is closed right after (linux.md, rule 3).</summary>
    internal virtual void EndReaped() => End();
}
