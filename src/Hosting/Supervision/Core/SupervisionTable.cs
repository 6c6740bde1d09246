using static UnixLoop.Hosting.SupervisedProcessState;
using static UnixLoop.Hosting.Supervision.SupervisionAction;
using static UnixLoop.Hosting.Supervision.SupervisionTrigger;
using State = UnixLoop.Hosting.SupervisedProcessState;

namespace UnixLoop.Hosting.Supervision;

/// <summary>What can happen to a supervised process.</summary>
internal enum SupervisionTrigger
{
    /// <summary>Somebody wants it to run.</summary>
    Start,

    /// <summary>Somebody wants it not to run.</summary>
    Stop,

    /// <summary>Somebody wants it to run from the beginning.</summary>
    Restart,

    /// <summary>The host drains: nothing is started any more.</summary>
    Drain,

    /// <summary>The child is there, and has to show that it is ready.</summary>
    Spawned,

    /// <summary>The child is there, and that is all that was wanted.</summary>
    SpawnedReady,

    /// <summary>The child has shown that it is ready.</summary>
    BecameReady,

    /// <summary>The child had its time to become ready.</summary>
    ReadyTimeout,

    /// <summary>The child is gone, or was never there; it is to be started again.</summary>
    EndedRetry,

    /// <summary>The child is gone, and that is well.</summary>
    EndedDone,

    /// <summary>The child is gone, or was never there, and nothing more is tried.</summary>
    EndedFailed,

    /// <summary>The child is gone, or was never there, and the host drains.</summary>
    EndedDraining,

    /// <summary>The delay before a restart has passed.</summary>
    DelayOver,
}

/// <summary>What has to be done upon a trigger.</summary>
internal enum SupervisionAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Start a child. One of the Ended triggers follows, once, whatever comes of it.</summary>
    Spawn,

    /// <summary>Stop the child; cancel its start if it is not there yet.</summary>
    StopChild,

    /// <summary>Watch for its readiness, and for the end of its time.</summary>
    AwaitReady,

    /// <summary>Wait before the next start.</summary>
    Delay,
}

/// <summary>
/// The whole behaviour of a supervised process: a row is a state, what happens, the state that follows, and what has to be
/// done. What stands in no row can't happen, and is an error. There is a child, or the start of one under way, in the states
/// Starting to Failing and in no other, so never two.
/// </summary>
internal static class SupervisionTable
{
    private static readonly (State From, SupervisionTrigger[] On, State To, SupervisionAction Do)[] Rows =
    [
        (Stopped, [Start, Restart], Starting, Spawn),
        (Stopped, [Stop, Drain], Stopped, None),

        (Starting, [Start, Drain], Starting, None),
        (Starting, [Stop], Stopping, StopChild),
        (Starting, [Restart], Restarting, StopChild),
        (Starting, [Spawned], Unready, AwaitReady),
        (Starting, [SpawnedReady], Ready, None),
        (Starting, [EndedRetry], BackingOff, Delay),
        (Starting, [EndedFailed], Failed, None),
        (Starting, [EndedDraining], Stopped, None),

        (Unready, [Start, Drain], Unready, None),
        (Unready, [Stop], Stopping, StopChild),
        (Unready, [Restart], Restarting, StopChild),
        (Unready, [BecameReady], Ready, None),
        (Unready, [ReadyTimeout], Failing, StopChild),
        (Unready, [EndedRetry], BackingOff, Delay),
        (Unready, [EndedDone], Completed, None),
        (Unready, [EndedFailed], Failed, None),
        (Unready, [EndedDraining], Stopped, None),

        (Ready, [Start, Drain, BecameReady, ReadyTimeout], Ready, None),
        (Ready, [Stop], Stopping, StopChild),
        (Ready, [Restart], Restarting, StopChild),
        (Ready, [EndedRetry], BackingOff, Delay),
        (Ready, [EndedDone], Completed, None),
        (Ready, [EndedFailed], Failed, None),
        (Ready, [EndedDraining], Stopped, None),

        // A start that could not be cancelled in time brings a child all the same.
        (Stopping, [Stop, Drain, BecameReady, ReadyTimeout], Stopping, None),
        (Stopping, [Start, Restart], Restarting, None),
        (Stopping, [Spawned, SpawnedReady], Stopping, StopChild),
        (Stopping, [EndedRetry, EndedDone, EndedFailed, EndedDraining], Stopped, None),

        (Restarting, [Start, Restart, BecameReady, ReadyTimeout], Restarting, None),
        (Restarting, [Stop, Drain], Stopping, None),
        (Restarting, [Spawned, SpawnedReady], Restarting, StopChild),
        (Restarting, [EndedRetry, EndedDone, EndedFailed], Starting, Spawn),

        (Failing, [Start, Drain, BecameReady, ReadyTimeout], Failing, None),
        (Failing, [Stop], Stopping, None),
        (Failing, [Restart], Restarting, None),
        (Failing, [EndedRetry], BackingOff, Delay),
        (Failing, [EndedFailed], Failed, None),
        (Failing, [EndedDraining], Stopped, None),

        (BackingOff, [Start, Restart, DelayOver], Starting, Spawn),
        (BackingOff, [Stop, Drain], Stopped, None),

        (Completed, [Start, Restart], Starting, Spawn),
        (Completed, [Stop], Stopped, None),
        (Completed, [Drain], Completed, None),

        (Failed, [Start, Restart], Starting, Spawn),
        (Failed, [Stop], Stopped, None),
        (Failed, [Drain], Failed, None),
    ];

    private static readonly Dictionary<(State, SupervisionTrigger), (State, SupervisionAction)> Cells =
        Rows.SelectMany(row => row.On.Select(on => (row, on))).ToDictionary(cell => (cell.row.From, cell.on), cell => (cell.row.To, cell.row.Do));

    /// <exception cref="InvalidOperationException">That can't happen there.</exception>
    internal static (State Next, SupervisionAction Action) Look(State state, SupervisionTrigger trigger) =>
        Cells.TryGetValue((state, trigger), out (State, SupervisionAction) cell)
            ? cell
            : throw new InvalidOperationException($"A supervised process can't meet {trigger} while it is {state}.");
}
