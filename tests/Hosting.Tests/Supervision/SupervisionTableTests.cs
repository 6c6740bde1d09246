using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SupervisionTableTests
{
    private static readonly SupervisedProcessState[] States = Enum.GetValues<SupervisedProcessState>();
    private static readonly SupervisionTrigger[] Ends =
        [SupervisionTrigger.EndedRetry, SupervisionTrigger.EndedDone, SupervisionTrigger.EndedFailed, SupervisionTrigger.EndedDraining];

    public static TheoryData<SupervisedProcessState> EveryState => [.. States];

    [Theory, MemberData(nameof(EveryState))]
    internal void Look_Commands_ArePossibleInEveryState(SupervisedProcessState state)
    {
        foreach (SupervisionTrigger command in (SupervisionTrigger[])[SupervisionTrigger.Start, SupervisionTrigger.Stop, SupervisionTrigger.Restart, SupervisionTrigger.Drain])
            SupervisionTable.Look(state, command);
    }

    [Theory, MemberData(nameof(EveryState))]
    internal void Look_Stop_LeadsToStoppedByTheNextEndAtTheLatest(SupervisedProcessState state)
    {
        SupervisedProcessState next = SupervisionTable.Look(state, SupervisionTrigger.Stop).Next;
        if (next == SupervisedProcessState.Stopped)
            return;
        Assert.Equal(SupervisedProcessState.Stopping, next);
        Assert.All(Ends, end => Assert.Equal((SupervisedProcessState.Stopped, SupervisionAction.None), SupervisionTable.Look(next, end)));
    }

    [Theory, MemberData(nameof(EveryState))]
    internal void Look_Spawn_IsDoneOnlyWhereNoChildIsLeft(SupervisedProcessState state)
    {
        foreach (SupervisionTrigger trigger in Enum.GetValues<SupervisionTrigger>())
        {
            if (TryLook(state, trigger) is not (var next, SupervisionAction.Spawn))
                continue;
            Assert.Equal(SupervisedProcessState.Starting, next);
            Assert.True(!HasChild(state) || Ends.Contains(trigger), $"{state}, {trigger}");
        }
    }

    [Theory, MemberData(nameof(EveryState))]
    internal void Look_End_IsPossibleExactlyWhereThereIsAChild(SupervisedProcessState state) =>
        Assert.Equal(HasChild(state), TryLook(state, SupervisionTrigger.EndedFailed) is not null);

    [Fact]
    public void Look_WhatCannotHappen_IsAnErrorThatNamesBoth()
    {
        var e = Assert.Throws<InvalidOperationException>(() => SupervisionTable.Look(SupervisedProcessState.Stopped, SupervisionTrigger.Spawned));
        Assert.Contains("Spawned", e.Message);
        Assert.Contains("Stopped", e.Message);
    }

    private static bool HasChild(SupervisedProcessState state) =>
        state is >= SupervisedProcessState.Starting and <= SupervisedProcessState.Failing;

    private static (SupervisedProcessState, SupervisionAction)? TryLook(SupervisedProcessState state, SupervisionTrigger trigger)
    {
        try
        {
            return SupervisionTable.Look(state, trigger);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
