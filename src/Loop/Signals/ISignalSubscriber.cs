namespace UnixLoop.Signals;

/// <summary>One loop's interest in one signal.</summary>
internal interface ISignalSubscriber
{
    UnixSignal Signal { get; }

    /// <summary>Told on the runtime's signal threads, for each delivery; must be quick and must not throw.</summary>
    void Deliver();
}
