using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SupervisedOutputTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData(false, LogLevel.Information)]
    [InlineData(true, LogLevel.Warning)]
    public async Task Output_BothStreams_HaveTheirCategoryAndLevel(bool asWarning, LogLevel expected)
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "echo out; echo err >&2; exec sleep 1000", options => options.StandardErrorAsWarning = asWarning);
        Eventually.True(() => host.Lines("web").Length == 2, "two lines");
        Assert.Equal(LogLevel.Information, host.Records.Single(record => record.Message.EndsWith("]: out", StringComparison.Ordinal)).Level);
        Assert.Equal(expected, host.Records.Single(record => record.Message.EndsWith("]: err", StringComparison.Ordinal)).Level);
    }

    [Fact]
    public async Task Output_AtTheExit_IsLoggedBeforeTheEndIsTold()
    {
        const int Count = 20_000;
        await using SupervisedHost host = await SupervisedHost.StartAsync("burst", $"seq {Count}; echo last >&2", options => options.Restart = RestartPolicy.OnFailure);
        host.Expect("burst", SupervisedProcessState.Completed);
        string[] lines = host.Lines("burst");
        Assert.Equal(Enumerable.Range(1, Count).Select(i => $"{i}"), lines.Where(line => line != "last"));
        Assert.Contains("last", lines);
    }

    [Fact]
    public async Task Output_OfAKilledChild_IsCompleteUpToItsDeath()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "seq 5000; printf tail; kill -9 $$", options => options.Restart = RestartPolicy.Never);
        host.Expect("web", SupervisedProcessState.Failed);
        Assert.Equal([.. Enumerable.Range(1, 5000).Select(i => $"{i}"), "tail"], host.Lines("web"));
    }

    [Fact]
    public async Task Output_LogHangsAtTheHostsEnd_IsToldOnceAndNotAsAProcessThatLives()
    {
        using var log = new HangingLog("UnixLoop.Processes.web");
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            builder.AddSupervisedProcess("web", options => SupervisedHost.Shell(options, "echo one", o => o.Restart = RestartPolicy.Never));
            builder.Services.AddSingleton<ILoggerProvider>(log);
        });
        int pid = host.Expect("web", status => status.ProcessId is not null, "a child").ProcessId!.Value;
        Eventually.True(() => log.IsHeld && !Directory.Exists($"/proc/{pid}"), "reaped, and its line at the log");
        var supervisor = (UnixLoop.Hosting.Supervision.Supervisor)host.Supervisor;

        await supervisor.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        await supervisor.KillAsync().WaitAsync(TestTimeout);

        log.Release();
        Assert.Equal(1, host.Count("ProcessOutputUnlogged"));
        Assert.Equal(0, host.Count("ProcessNotReaped"));
    }

    [Fact]
    public async Task Output_HeldByAGrandchild_IsCutOffAndTheEndIsTold()
    {
        string pidFile = Path.GetTempFileName();
        await using (SupervisedHost host = await SupervisedHost.StartAsync(
            "web", $"echo before; setsid sleep 1000 & echo $! > {pidFile}; exit 0", options => options.Restart = RestartPolicy.OnFailure))
        {
            host.Expect("web", SupervisedProcessState.Completed);
            Assert.Equal(["before"], host.Lines("web"));
            host.ExpectEvent("ProcessOutputCutOff");
        }
        TestSupport.Interop.TestLibc.Kill(int.Parse(File.ReadAllText(pidFile)), 9);
        File.Delete(pidFile);
    }

    /// <summary>A log that takes no line of one category until it is released.</summary>
    private sealed class HangingLog(string category) : ILoggerProvider, ILogger
    {
        private readonly ManualResetEventSlim _released = new();
        private volatile bool _isHeld;

        internal bool IsHeld => _isHeld;

        internal void Release() => _released.Set();

        public ILogger CreateLogger(string categoryName) => categoryName == category ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            _isHeld = true;
            _released.Wait(TestTimeout);
        }

        // The host disposes of it too, and a reader may still be in Log.
        public void Dispose() => Release();
    }
}
