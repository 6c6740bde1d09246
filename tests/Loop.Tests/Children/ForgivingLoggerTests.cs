using Microsoft.Extensions.Logging;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Children;

public sealed class ForgivingLoggerTests
{
    [Fact]
    public async Task LoopEnds_LogProviderThrows_TheExitIsToldAllTheSame()
    {
        using var leaks = new LeakCheck();
        using ILoggerFactory loggers = LoggerFactory.Create(static b => b.SetMinimumLevel(LogLevel.Trace).AddProvider(new ThrowingProvider()));
        await using var loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = loggers });
        await loop.StartAsync();
        using PidfdChildWatcher watcher = new();
        watcher.Attach(loop);
        RecordingHandler handler = new();
        SpawnedChild child = TestChildren.StartSleeping();
        watcher.Add(child.Pid, child.Pidfd, handler);
        child.Pidfd!.Dispose();

        await loop.StopAsync().WaitAsync(TestTimeout); // the orphan queue logs from here on
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
    }

    [Fact]
    public async Task Callback_ThrowsAndSoDoesTheLogProvider_TheLoopRunsOnAndHearsSignals()
    {
        using var leaks = new LeakCheck();
        using ILoggerFactory loggers = LoggerFactory.Create(static b => b.SetMinimumLevel(LogLevel.Trace).AddProvider(new ThrowingProvider()));
        await using var loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = loggers });
        await loop.StartAsync();
        loop.Post(static () => throw new InvalidTimeZoneException("a callback's"));
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.AddSignalHandler(UnixSignal.Usr1, heard.SetResult);
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Usr1.Number);
        await heard.Task.WaitAsync(TestTimeout);
        await loop.StopAsync().WaitAsync(TestTimeout);
        await loop.Completion.WaitAsync(TestTimeout);
    }

    private sealed class ThrowingProvider : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidTimeZoneException("a provider's");

        public void Dispose()
        {
        }
    }
}
