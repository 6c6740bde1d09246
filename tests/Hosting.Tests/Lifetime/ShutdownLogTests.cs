using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace UnixLoop.Hosting.Tests.Lifetime;

/// <summary>Loggers that fail or block where they are asked for a level. Those that block at a line need a process each (Process.Tests).</summary>
public sealed class ShutdownLogTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stop_LevelCantBeAskedFor_GoesItsWay(bool blocks)
    {
        using UnwillingProvider log = new(blocks);
        using IHost host = TestHost.Build(services =>
        {
            // No other is asked first, whose yes would do.
            services.AddLogging(logging => logging.ClearProviders().AddProvider(log));
            services.AddUnixEventLoop().AddSupervisedProcess("web", options =>
            {
                options.FileName = "sleep";
                options.Arguments.Add("1000");
            });
        });
        await host.StartAsync().WaitAsync(TestTimeout);
        ISupervisor supervisor = host.Services.GetRequiredService<ISupervisor>();
        Eventually.True(() => supervisor.GetProcess("web").State == SupervisedProcessState.Ready, "the process runs");
        log.IsUnwilling = true;

        try
        {
            UnixHostLifetime lifetime = Assert.IsType<UnixHostLifetime>(host.Services.GetRequiredService<IHostLifetime>());
            await Task.Run(() => lifetime.OnSignal(UnixSignal.Term)).WaitAsync(TestTimeout);
            await host.StopAsync().WaitAsync(TestTimeout);
        }
        finally
        {
            log.IsUnwilling = false;
        }

        Assert.Equal(SupervisedProcessState.Stopped, supervisor.GetProcess("web").State);
    }

    [Fact]
    public void Log_LevelIsOff_IsAskedForOnceOnTheWayDown()
    {
        using UnwillingProvider log = new(blocks: false);
        using IHost host = TestHost.Build(services =>
        {
            services.AddLogging(logging => logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information));
            services.AddUnixEventLoop();
        });
        ILogger logger = host.Services.GetRequiredService<ShutdownLog>().OnceStopping.CreateLogger("UnixLoop");
        Assert.False(logger.IsEnabled(LogLevel.Debug));

        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Assert.True(logger.IsEnabled(LogLevel.Debug));
        LoopServiceLog.LoopStopped(logger, "is not written");
        Assert.False(logger.IsEnabled(LogLevel.Debug));
        Assert.True(logger.IsEnabled(LogLevel.Information));
    }

    /// <summary>For our categories alone: the host has lines of its own.</summary>
    private sealed class UnwillingProvider(bool blocks) : ILoggerProvider
    {
        private readonly ManualResetEventSlim _willing = new(initialState: true);

        internal bool IsUnwilling
        {
            get => !_willing.IsSet;
            set
            {
                if (value)
                    _willing.Reset();
                else
                    _willing.Set();
            }
        }

        public ILogger CreateLogger(string categoryName) =>
            categoryName == LifetimeLog.Category || categoryName.StartsWith("UnixLoop", StringComparison.Ordinal) ? new Logger(this) : NullLogger.Instance;

        public void Dispose()
        {
        }

        private void Ask()
        {
            if (blocks)
                _willing.Wait();
            else if (IsUnwilling)
                throw new InvalidOperationException("no level is told");
        }

        private sealed class Logger(UnwillingProvider owner) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel)
            {
                owner.Ask();
                return true;
            }

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
            }
        }
    }
}
