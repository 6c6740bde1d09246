using Microsoft.Extensions.Time.Testing;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>The decisions against a world of children, clocks and commands that does what it likes: the same seed gives the same world.</summary>
public sealed class SupervisionSimulationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Simulation_RandomWorld_KeepsTheInvariants(int seed)
    {
        var random = new Random(seed);
        for (int life = 0; life < 200; life++)
        {
            var world = new World(random);
            for (int step = 0; step < 250; step++)
                world.Step();
            world.StopAndFinish();
        }
    }

    [Fact]
    public void Simulation_ManyWorlds_ReachEveryStateByEveryTrigger()
    {
        var random = new Random(11);
        HashSet<(SupervisedProcessState, SupervisionTrigger)> seen = [];
        for (int life = 0; life < 300; life++)
        {
            var world = new World(random);
            for (int step = 0; step < 250; step++)
                world.Step();
            seen.UnionWith(world.Seen);
        }
        // Every cell of the table: none is there for nothing.
        List<string> never = [];
        foreach (SupervisedProcessState state in Enum.GetValues<SupervisedProcessState>())
        {
            foreach (SupervisionTrigger trigger in Enum.GetValues<SupervisionTrigger>())
            {
                if (IsInTable(state, trigger) && !seen.Contains((state, trigger)))
                    never.Add($"{state}/{trigger}");
            }
        }
        // Judge calls an end upon request done, so these are for a table that does not rely on it.
        never.RemoveAll(cell => cell is "Stopping/EndedRetry" or "Stopping/EndedFailed" or "Restarting/EndedRetry" or "Restarting/EndedFailed");
        Assert.Empty(never);
    }

    private static bool IsInTable(SupervisedProcessState state, SupervisionTrigger trigger)
    {
        try
        {
            SupervisionTable.Look(state, trigger);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private sealed class World
    {
        private readonly FakeTimeProvider _clock = new();
        private readonly Random _random;
        private readonly SupervisionCore _core;
        private bool _startPending;
        private bool _childLives;
        private bool _stopAsked;
        private bool _delayArmed;
        private bool _readyAwaited;
        private int _spawns;
        private int _ends;
        private bool _drained;

        internal World(Random random)
        {
            _random = random;
            var options = new SupervisedProcessOptions
            {
                FileName = "x",
                Restart = (RestartPolicy)random.Next(3),
                MaxStarts = random.Next(6),
                StartWindow = TimeSpan.FromSeconds(random.Next(1, 300)),
                RestartDelay = TimeSpan.FromSeconds(random.Next(3)),
                StableAfter = TimeSpan.FromSeconds(random.Next(60)),
            };
            _core = new SupervisionCore(options, _clock, random);
        }

        internal HashSet<(SupervisedProcessState, SupervisionTrigger)> Seen { get; } = [];

        internal void Step()
        {
            _clock.Advance(TimeSpan.FromMilliseconds(_random.Next(5000)));
            switch (_random.Next(16))
            {
                case 0:
                    Fire(SupervisionTrigger.Start);
                    break;
                case 1:
                    Fire(SupervisionTrigger.Stop);
                    break;
                case 2:
                    Fire(SupervisionTrigger.Restart);
                    break;
                case 3 when _random.Next(10) == 0:
                    Fire(SupervisionTrigger.Drain);
                    _drained = true;
                    break;
                case < 7 when _startPending:
                    EndStart();
                    break;
                case < 10 when _childLives:
                    EndChild(_random.Next(3) == 0);
                    break;
                case < 12 when _childLives:
                    // Also late and stale ones: the table has to take them.
                    Fire(_random.Next(2) == 0 ? SupervisionTrigger.BecameReady : SupervisionTrigger.ReadyTimeout);
                    break;
                case < 15 when _delayArmed:
                    _delayArmed = false;
                    Fire(SupervisionTrigger.DelayOver);
                    break;
            }
        }

        internal void StopAndFinish()
        {
            Fire(SupervisionTrigger.Stop);
            if (_startPending)
                EndStart();
            if (_childLives)
                EndChild(success: false);
            Assert.Equal(SupervisedProcessState.Stopped, _core.State);
            Assert.Equal(_spawns, _ends);
        }

        private void EndStart()
        {
            _startPending = false;
            // A start that is cancelled may bring a child all the same.
            if (_random.Next(3) == 0)
            {
                End(success: false);
                return;
            }
            _childLives = true;
            _stopAsked = false;
            Fire(_random.Next(2) == 0 ? SupervisionTrigger.Spawned : SupervisionTrigger.SpawnedReady);
        }

        private void EndChild(bool success)
        {
            _childLives = false;
            End(success);
        }

        private void End(bool success)
        {
            _ends++;
            _readyAwaited = false;
            Fire(_core.Judge(success));
        }

        private void Fire(SupervisionTrigger trigger)
        {
            SupervisedProcessState before = _core.State;
            Seen.Add((before, trigger));
            SupervisionAction action = _core.Handle(trigger);
            if (before == SupervisedProcessState.BackingOff && _core.State != before)
                _delayArmed = false;
            Do(action);
            Check(action);
        }

        private void Do(SupervisionAction action)
        {
            switch (action)
            {
                case SupervisionAction.Spawn:
                    Assert.False(_startPending || _childLives, "never two children");
                    Assert.False(_drained, "nothing is started while the host drains");
                    _startPending = true;
                    _stopAsked = false;
                    _spawns++;
                    break;
                case SupervisionAction.StopChild:
                    Assert.True(_startPending || _childLives, "there is something to stop");
                    _stopAsked = true;
                    break;
                case SupervisionAction.AwaitReady:
                    Assert.True(_childLives && !_readyAwaited);
                    _readyAwaited = true;
                    break;
                case SupervisionAction.Delay:
                    Assert.False(_startPending || _childLives || _delayArmed);
                    Assert.InRange(_core.Delay, TimeSpan.Zero, _core.Options.MaxRestartDelay);
                    _delayArmed = true;
                    break;
            }
        }

        private void Check(SupervisionAction action)
        {
            Assert.Equal(_startPending || _childLives, _core.State is >= SupervisedProcessState.Starting and <= SupervisedProcessState.Failing);
            Assert.Equal(_delayArmed, _core.State == SupervisedProcessState.BackingOff);
            Assert.Equal(_spawns, _ends + (_startPending || _childLives ? 1 : 0));
            if (_core.State is SupervisedProcessState.Stopping or SupervisedProcessState.Restarting or SupervisedProcessState.Failing)
                Assert.True(_stopAsked, $"what is to end was told so ({action})");
            if (_core.State is SupervisedProcessState.Ready or SupervisedProcessState.Unready)
                Assert.False(_stopAsked, "what was told to end is not taken for running");
        }
    }
}
