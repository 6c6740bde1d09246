namespace UnixLoop.Children;

/// <summary>
/// A handler that can hold its signals back while its child is reaped. Then there need be no look at the child before the reap,
/// which is a system call, to tell OnExiting that the child is dead. Called under the registry's gate.
/// </summary>
internal interface IReapGuard
{
    /// <summary>Takes the handler's lock, if nothing has to be done between death and reap; <see cref="EndReap"/> follows then.</summary>
    bool TryBeginReap();

    /// <summary>Lets go of the lock.</summary>
    /// <param name="isDead">Whether the child was dead: its pid must not be signalled any more.</param>
    void EndReap(bool isDead);
}
