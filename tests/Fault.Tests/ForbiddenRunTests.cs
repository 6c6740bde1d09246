using System.Diagnostics;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;
using EventLog = UnixLoop.Fault.Tests.Campaigns.EventLog;

namespace UnixLoop.Fault.Tests;

/// <summary>A run whose child may not be signalled (EPERM) ends without it, whenever it is to be stopped.</summary>
public sealed class ForbiddenRunTests : IAsyncLifetime
{
    private readonly LeakCheck _leaks = new();
    private readonly EventLog _log = new();
    private readonly UnixEventLoop _loop;
    private readonly PidfdChildWatcher _watcher = new();
    private readonly SubprocessFactory _factory;

    public ForbiddenRunTests()
    {
        _loop = new(new() { LoggerFactory = _log });
        _factory = new SubprocessFactory(_loop, _watcher);
    }

    private static SubprocessStartInfo ShellInOurGroup(string script) => new("/bin/sh", "-c", script) { ProcessGroup = ProcessGroup.Inherit };

    private static SubprocessStartInfo Sleep => new("/bin/sleep", "1000") { ProcessGroup = ProcessGroup.Inherit };

    public async ValueTask InitializeAsync()
    {
        await _loop.StartAsync();
        _watcher.Attach(_loop);
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _watcher.Dispose();
        await _loop.DisposeAsync();
        _leaks.Dispose();
    }

    [Fact]
    public async Task Run_CancelledWhileItRuns_FailsWithTheReason()
    {
        using FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM);
        using CancellationTokenSource cancelled = new();
        Task<SubprocessResult> run = _factory.RunAsync(Sleep, cancellationToken: cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => run.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Run_TimedOut_FailsWithTheReason()
    {
        using FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM);
        Task<SubprocessResult> run = _factory.RunAsync(Sleep, new() { Timeout = TimeSpan.FromMilliseconds(1) });
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => run.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Lines_KillIsRefusedAfterTerm_FailWithTheReason()
    {
        SubprocessStartInfo program = ShellInOurGroup("trap '' TERM; echo ready; while :; do sleep 0.1; done");
        using CancellationTokenSource cancelled = new();
        await ExpectRefusalAsync(_factory.ReadLinesAsync(program, new() { StopGrace = TimeSpan.FromMilliseconds(100) }, cancelled.Token), cancelled);
    }

    [Fact]
    public async Task Lines_OneMemberMayNotBeSignalled_FailWithTheReason()
    {
        SubprocessPipeline pipeline = new(Sleep, ShellInOurGroup("echo ready; exec sleep 1000"));
        using CancellationTokenSource cancelled = new();
        await ExpectRefusalAsync(_factory.ReadLinesAsync(pipeline, cancellationToken: cancelled.Token), cancelled);
    }

    [Theory, InlineData(0, "SIGKILL"), InlineData(60, "SIGTERM")]
    public async Task Stop_Refused_NamesTheSignalThatWasSent(int grace, string signal)
    {
        await using ISubprocess child = await _factory.StartAsync(Sleep);
        using FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM);
        UnauthorizedAccessException e = await Assert.ThrowsAsync<UnauthorizedAccessException>(() => child.StopAsync(TimeSpan.FromSeconds(grace)).WaitAsync(TestTimeout));
        Assert.StartsWith($"EPERM: {signal} to ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FactoryDispose_Refused_SaysThatItRunsOnAndNotThatItWasKilled()
    {
        ISubprocess child = await _factory.StartAsync(Sleep);
        using (FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM))
            await _factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal((1, 0), (_log.Count("SubprocessKillForbidden"), _log.Count("SubprocessNotReaped")));
        Assert.Null(child.ExitStatus);
        Assert.Equal(UnixSignal.Kill, (await child.StopAsync(TimeSpan.Zero).WaitAsync(TestTimeout)).Signal);
    }

    [Fact]
    public async Task Run_CancelledAroundItsStart_EndsAllTheSame()
    {
        // The end may be decided before the start has returned, on another thread.
        for (int i = 0; i < 100; i++)
        {
            using FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM);
            using CancellationTokenSource cancelled = new();
            using Barrier both = new(2);
            TimeSpan later = TimeSpan.FromMicroseconds(20 * i);
            Thread cancelling = new(() =>
            {
                both.SignalAndWait();
                for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < later;)
                    Thread.SpinWait(10);
                cancelled.Cancel();
            });
            cancelling.Start();
            both.SignalAndWait();
            Task<SubprocessResult> run = _factory.RunAsync(Sleep, cancellationToken: cancelled.Token);
            Exception? end = await Record.ExceptionAsync(() => run.WaitAsync(TestTimeout));
            cancelling.Join();
            Assert.True(end is OperationCanceledException or UnauthorizedAccessException, $"{later.TotalMicroseconds} µs: {end}");
        }
    }

    /// <summary>Refused is the third signal, after TERM and CONT, once the reader waits for the exits.</summary>
    private static async Task ExpectRefusalAsync(IAsyncEnumerable<SubprocessLine> lines, CancellationTokenSource cancelled)
    {
        IAsyncEnumerator<SubprocessLine> reader = lines.GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
        using FaultScope fault = FaultScope.Fail("pidfd_send_signal", EPERM, occurrence: 3);
        Task<bool> next = reader.MoveNextAsync().AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => next.WaitAsync(TestTimeout));
    }
}
