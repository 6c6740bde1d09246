namespace UnixLoop.Selector;

/// <summary>What a registration in the selector calls. Both members run on the loop's thread.</summary>
internal interface IReadyHandler
{
    /// <summary>The descriptor has some of the registered events, or EPOLLERR or EPOLLHUP, which can't be masked (linux.md, rule 2).</summary>
    void OnReady(uint events);

    /// <summary>
    /// The loop ended while the registration was still there; it is already gone from the selector. Runs after the loop's last
    /// callback: on its thread, or on the disposing thread where the loop never ran. Must not throw.
    /// </summary>
    void OnLoopEnded();
}
