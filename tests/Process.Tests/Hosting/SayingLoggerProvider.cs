using Microsoft.Extensions.Logging;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>Says the names of the logged events, and that it is disposed, which is how a log is flushed.</summary>
internal sealed class SayingLoggerProvider(bool hangs) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger();

    public void Dispose()
    {
        Scenario.Say("log flushed");
        if (hangs)
            new ManualResetEventSlim().Wait();
    }

    private sealed class Logger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is >= 1000 and < 3000)
                Scenario.Say($"log {eventId.Name}");
        }
    }
}
