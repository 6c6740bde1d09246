namespace UnixLoop.Hosting.Supervision;

/// <summary>
/// The decisions about one process: the table, and what the restart policy makes of an end. Neither threads nor processes
/// here; one caller at a time.
/// </summary>
internal sealed class SupervisionCore(SupervisedProcessOptions options, TimeProvider clock, Random random)
{
    private readonly StartLimit _limit = new(clock);
    private int _ends;
    private long _spawnedAt;

    internal SupervisedProcessState State { get; private set; }

    /// <summary>In force from the next decision on.</summary>
    internal SupervisedProcessOptions Options { get; set; } = options;

    /// <summary>How long to wait, where <see cref="SupervisionAction.Delay"/> was the answer.</summary>
    internal TimeSpan Delay { get; private set; }

    /// <summary>Whether the last end was one too many for the limit of starts.</summary>
    internal bool HasGivenUp { get; private set; }

    internal bool IsDraining { get; private set; }

    /// <summary>What has to be done. Starts that are asked for while the host drains are ignored.</summary>
    internal SupervisionAction Handle(SupervisionTrigger trigger)
    {
        if (trigger is SupervisionTrigger.Start or SupervisionTrigger.Restart)
        {
            if (IsDraining)
                return SupervisionAction.None;
            _ends = 0;
            _limit.Clear();
        }

        IsDraining |= trigger == SupervisionTrigger.Drain;
        (State, SupervisionAction action) = SupervisionTable.Look(State, trigger);
        if (action == SupervisionAction.Spawn)
        {
            _spawnedAt = clock.GetTimestamp();
            _limit.Add(Options.MaxStarts);
        }

        return action;
    }

    /// <summary>What it means that the child is gone, or could not be started. To be asked once for each end.</summary>
    internal SupervisionTrigger Judge(bool isSuccess)
    {
        HasGivenUp = false;
        if (IsDraining)
            return SupervisionTrigger.EndedDraining;
        if (State is SupervisedProcessState.Stopping or SupervisedProcessState.Restarting)
            return SupervisionTrigger.EndedDone;

        bool failed = !isSuccess || State == SupervisedProcessState.Failing;
        if (Options.Restart == RestartPolicy.Never || (Options.Restart == RestartPolicy.OnFailure && !failed))
            return failed ? SupervisionTrigger.EndedFailed : SupervisionTrigger.EndedDone;

        if (clock.GetElapsedTime(_spawnedAt) >= Options.StableAfter)
            _ends = 0;
        Delay = RestartDelays.Next(_ends++, Options.RestartDelay, Options.MaxRestartDelay, random);
        HasGivenUp = !_limit.Allows(Delay, Options.MaxStarts, Options.StartWindow);
        return HasGivenUp ? SupervisionTrigger.EndedFailed : SupervisionTrigger.EndedRetry;
    }
}
