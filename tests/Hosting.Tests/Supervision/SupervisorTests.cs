using Microsoft.Extensions.Logging;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SupervisorTests : IDisposable
{
    private const string Forever = "exec sleep 1000";

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Start_WithTheHost_IsReadyAndStopsWithIt()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        SupervisedProcessStatus status = host.Expect("web", SupervisedProcessState.Ready);
        Assert.True(Directory.Exists($"/proc/{status.ProcessId}"));
        Assert.Equal(1, status.Starts);

        await host.StopAsync();

        status = host.Supervisor.GetProcess("web");
        Assert.Equal(SupervisedProcessState.Stopped, status.State);
        Assert.Null(status.ProcessId);
        Assert.Equal(UnixSignal.Term, Assert.Single(status.LastExits).Status!.Value.Signal);
    }

    [Fact]
    public async Task Start_NotAutomatic_WaitsForTheCommand()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("tool", Forever, options => options.AutoStart = false);
        Assert.Equal(SupervisedProcessState.Stopped, host.Supervisor.GetProcess("tool").State);
        Assert.Equal(SupervisedProcessState.Ready, (await host.Supervisor.StartAsync("tool").WaitAsync(TestTimeout)).State);
    }

    [Fact]
    public async Task Restart_AlwaysEnding_IsStartedAgainAndAgain()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("loop", "echo once");
        SupervisedProcessStatus status = host.Expect("loop", status => status.Starts >= 15, "15 starts");
        Assert.Equal(status.Starts - 1, status.Restarts);
        Assert.Equal(10, status.LastExits.Count);
        await host.Supervisor.StopAsync("loop").WaitAsync(TestTimeout);
        // Each run that came to its end wrote its line; the last one may have been stopped before.
        int completed = host.Messages.Count(message => message.Contains("loop[", StringComparison.Ordinal) && message.Contains("ended: exit code 0;", StringComparison.Ordinal));
        Assert.InRange(host.Lines("loop").Length, completed, completed + 1);
    }

    [Fact]
    public async Task Restart_OnFailureAndExitZero_IsCompleted()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("job", "exit 0", options => options.Restart = RestartPolicy.OnFailure);
        Assert.Equal(1, host.Expect("job", SupervisedProcessState.Completed).Starts);
    }

    [Fact]
    public async Task Restart_NeverAndExitThree_HasFailed()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("job", "exit 3", options => options.Restart = RestartPolicy.Never);
        Assert.Equal(3, Assert.Single(host.Expect("job", SupervisedProcessState.Failed).LastExits).Status!.Value.ExitCode);
        host.ExpectEvent("ProcessFailed");
    }

    [Fact]
    public async Task Restart_LimitOfStarts_GivesUpAndCanBeStartedByHand()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("bad", "exit 1", options => options.MaxStarts = 3);
        Assert.Equal(3, host.Expect("bad", SupervisedProcessState.Failed).Starts);
        host.ExpectEvent("ProcessGivenUp");
        await host.Supervisor.StartAsync("bad").WaitAsync(TestTimeout);
        Assert.Equal(6, host.Expect("bad", status => status is { State: SupervisedProcessState.Failed, Starts: > 3 }, "failed again").Starts);
    }

    [Fact]
    public async Task Start_MissingProgram_IsReportedAndTriedAgain()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("gone", "", options =>
        {
            options.FileName = "no-such-program";
            options.MaxStarts = 3;
        });
        SupervisedProcessStatus status = host.Expect("gone", SupervisedProcessState.Failed);
        Assert.Equal(0, status.Starts);
        Assert.Equal(3, status.LastExits.Count);
        Assert.All(status.LastExits, exit => Assert.StartsWith("ENOENT: can't start 'no-such-program'", exit.Error));
    }

    [Fact]
    public async Task Stop_ThenStart_FollowsTheCommands()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        int? first = host.Expect("web", SupervisedProcessState.Ready).ProcessId;
        Assert.Equal(SupervisedProcessState.Stopped, (await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout)).State);
        Assert.Equal(SupervisedProcessState.Stopped, (await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout)).State);
        SupervisedProcessStatus status = await host.Supervisor.StartAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(SupervisedProcessState.Ready, status.State);
        Assert.NotEqual(first, status.ProcessId);
        Assert.Equal(status.ProcessId, (await host.Supervisor.StartAsync("WEB").WaitAsync(TestTimeout)).ProcessId);
    }

    [Fact]
    public async Task Restart_Command_ReplacesTheChild()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        int? first = host.Expect("web", SupervisedProcessState.Ready).ProcessId;
        SupervisedProcessStatus status = await host.Supervisor.RestartAsync("web").WaitAsync(TestTimeout);
        Assert.Equal((SupervisedProcessState.Ready, 2, 0), (status.State, status.Starts, status.Restarts));
        Assert.NotEqual(first, status.ProcessId);
        Assert.False(Directory.Exists($"/proc/{first}"));
    }

    [Fact]
    public async Task Signal_RunningAndStopped_ReachesItOrSaysNo()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "trap 'echo usr1' USR1; echo up; while :; do sleep 0.05; done", options => options.ReadyPattern = "^up$");
        host.Expect("web", SupervisedProcessState.Ready);
        Assert.True(host.Supervisor.Signal("web", UnixSignal.Usr1));
        Eventually.True(() => host.Lines("web").Contains("usr1"), "the signal is heard");
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.False(host.Supervisor.Signal("web", UnixSignal.Usr1));
    }

    [Fact]
    public async Task UnknownName_Always_IsAnErrorThatListsTheKnown()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        var e = Assert.Throws<KeyNotFoundException>(() => host.Supervisor.GetProcess("wbe"));
        Assert.Contains("'wbe'; known: web", e.Message);
        await Assert.ThrowsAsync<KeyNotFoundException>(() => host.Supervisor.StopAsync("wbe"));
        Assert.Throws<KeyNotFoundException>(() => host.Supervisor.Signal("wbe", UnixSignal.Hup));
    }

    [Fact]
    public async Task StopSignal_Own_IsWhatItEndsBy()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever, options => options.StopSignal = "QUIT");
        host.Expect("web", SupervisedProcessState.Ready);
        SupervisedProcessStatus status = await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Quit, Assert.Single(status.LastExits).Status!.Value.Signal);
    }

    [Fact]
    public async Task StopGrace_Own_EndsInKill()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done", options =>
        {
            options.ReadyPattern = "up";
            options.StopGrace = TimeSpan.FromMilliseconds(50);
        });
        host.Expect("deaf", SupervisedProcessState.Ready);
        SupervisedProcessStatus status = await host.Supervisor.StopAsync("deaf").WaitAsync(TestTimeout);
        Assert.Equal(UnixSignal.Kill, Assert.Single(status.LastExits).Status!.Value.Signal);
    }

    [Fact]
    public async Task StateChanged_Run_TellsEachStepInOrder()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "echo up; exec sleep 1000", options =>
        {
            options.AutoStart = false;
            options.ReadyPattern = "^up$";
        });
        List<SupervisedProcessStateChange> changes = [];
        host.Supervisor.StateChanged += _ => throw new InvalidOperationException("a handler that fails");
        host.Supervisor.StateChanged += change =>
        {
            Assert.Equal(change.Current, host.Supervisor.GetProcess("web").State);
            changes.Add(change);
        };
        await host.Supervisor.StartAsync("web").WaitAsync(TestTimeout);
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(
            [SupervisedProcessState.Starting, SupervisedProcessState.Unready, SupervisedProcessState.Ready, SupervisedProcessState.Stopping, SupervisedProcessState.Stopped],
            changes.Select(change => change.Current));
        Assert.Equal(changes.Skip(1).Select(change => change.Previous), changes.SkipLast(1).Select(change => change.Current));
        Assert.Equal(5, host.Count("StateHandlerFailed"));
    }

    [Fact]
    public async Task Commands_FromManyThreads_EndAsTheLastOneSays()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        ISupervisor supervisor = host.Supervisor;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 15; i++)
            {
                _ = random.Next(4) switch
                {
                    0 => await supervisor.StartAsync("web"),
                    1 => await supervisor.StopAsync("web"),
                    2 => await supervisor.RestartAsync("web"),
                    _ => supervisor.Signal("web", UnixSignal.Kill) ? null : supervisor.GetProcesses()[0],
                };
            }
        }))).WaitAsync(TestTimeout);
        SupervisedProcessStatus status = await supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(SupervisedProcessState.Stopped, status.State);
        // Each start has an end in the log, and no child is left.
        Assert.Equal(status.Starts, host.Count("ProcessStarted"));
        Assert.Equal(status.Starts, host.Count("ProcessEnded"));
    }

    [Fact]
    public async Task Log_Secrets_AreNotAmongTheMessages()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exit 1 # s3cret", options =>
        {
            options.MaxStarts = 2;
            options.Environment["TOKEN"] = "s3cret";
        });
        host.Expect("web", SupervisedProcessState.Failed);
        Assert.DoesNotContain(host.Messages, message => message.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Kill_FromOutside_IsAnEndLikeAnyOther()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", Forever);
        int first = host.Expect("web", SupervisedProcessState.Ready).ProcessId!.Value;
        TestLibc.Kill(first, 9);
        SupervisedProcessStatus status = host.Expect("web", status => status.State == SupervisedProcessState.Ready && status.ProcessId != first, "a new child");
        Assert.Equal(1, status.Restarts);
        Assert.Equal((UnixSignal.Kill, first), (status.LastExits[0].Status!.Value.Signal!.Value, status.LastExits[0].ProcessId!.Value));
        Assert.Contains(host.Records, record => record.Id.Name == "ProcessRestarts" && record.Level == LogLevel.Warning);
    }
}
