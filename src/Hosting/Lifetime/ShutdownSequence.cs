namespace UnixLoop.Hosting;

/// <summary>What has to be done next; the caller does it, outside the sequence's lock.</summary>
internal enum ShutdownStep
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Stop the application before it has started.</summary>
    CancelStart,

    /// <summary>Tell that the application drains, and stop it when the delay has passed.</summary>
    Drain,

    /// <summary>Stop the application; the delay is over, or cut short.</summary>
    Stop,

    /// <summary>The application was stopping by itself when it was first asked to: let it.</summary>
    AlreadyStopping,

    /// <summary>End the process now.</summary>
    Exit,
}

/// <summary>The order of a shutdown. Thread-safe: signals, the delay's timer and the application's own stop race for the next step.</summary>
/// <remarks>
/// <code>
///              started      signal              delay over   application stops
/// Starting     Serving      Stopping            -            StoppingUnasked
/// Serving      -            Draining, Stopping  -            StoppingUnasked
/// Draining     -            Stopping            Stopping     Stopping
/// StoppingUnasked  -        Stopping            -            -
/// Stopping     -            Exiting             -            -
/// Exiting      -            -                   -            -
/// </code>
/// From Serving, a signal leads to Draining where there is a delay, else straight to Stopping. Only a signal that follows
/// another one ends the process by force: an application that stops by itself is given its time once it is asked, too.
/// </remarks>
internal sealed class ShutdownSequence
{
    private readonly Lock _lock = new();
    private Phase _phase = Phase.Starting;
    private bool _delayed;

    private enum Phase
    {
        Starting,
        Serving,
        Draining,
        StoppingUnasked,
        Stopping,
        Exiting,
    }

    /// <summary>The application has started. False if it has been stopped before it was there.</summary>
    /// <param name="delayed">Whether it serves on for a while once it is asked to stop.</param>
    internal bool OnStarted(bool delayed)
    {
        lock (_lock)
        {
            if (_phase != Phase.Starting)
                return false;
            (_phase, _delayed) = (Phase.Serving, delayed);
            return true;
        }
    }

    /// <summary>A signal that stops the host has arrived.</summary>
    internal ShutdownStep OnSignal()
    {
        lock (_lock)
        {
            (_phase, ShutdownStep step) = _phase switch
            {
                Phase.Starting => (Phase.Stopping, ShutdownStep.CancelStart),
                Phase.Serving when _delayed => (Phase.Draining, ShutdownStep.Drain),
                Phase.Serving or Phase.Draining => (Phase.Stopping, ShutdownStep.Stop),
                Phase.StoppingUnasked => (Phase.Stopping, ShutdownStep.AlreadyStopping),
                Phase.Stopping => (Phase.Exiting, ShutdownStep.Exit),
                _ => (Phase.Exiting, ShutdownStep.None),
            };
            return step;
        }
    }

    /// <summary>The delay has passed. Whether the application is to be stopped for it.</summary>
    internal bool OnDelayElapsed()
    {
        lock (_lock)
        {
            if (_phase != Phase.Draining)
                return false;
            _phase = Phase.Stopping;
            return true;
        }
    }

    /// <summary>The application is stopping, for whatever reason.</summary>
    internal void OnStopping()
    {
        lock (_lock)
        {
            _phase = _phase switch
            {
                Phase.Starting or Phase.Serving => Phase.StoppingUnasked,
                Phase.Draining => Phase.Stopping,
                _ => _phase,
            };
        }
    }
}
