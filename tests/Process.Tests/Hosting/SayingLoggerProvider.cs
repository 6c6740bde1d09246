using Microsoft.Extensions.Logging;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>
/// Says the names of the logged events, and that it is disposed, which is how a log is flushed. With "hangs" it does
/// not come back from that; with an event's name, from that event and any later one.
/// </summary>
internal sealed class SayingLoggerProvider(bool hangs, string? blocksAt) : ILoggerProvider
{
    private readonly string? _blocksAt = blocksAt;
    private volatile bool _isBlocked;

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void Dispose()
    {
        Scenario.Say("log flushed");
        if (hangs)
            Hang();
    }

    private static void Hang() => new ManualResetEventSlim().Wait();

    private sealed class Logger(SayingLoggerProvider owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is not (>= 1000 and < 3000))
                return;
            if (owner._isBlocked || eventId.Name == owner._blocksAt)
            {
                if (!owner._isBlocked)
                    Scenario.Say("log blocks");
                owner._isBlocked = true;
                Hang();
            }
            Scenario.Say($"log {eventId.Name}");
        }
    }
}
