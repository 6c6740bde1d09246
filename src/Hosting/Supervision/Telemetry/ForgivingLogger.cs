using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting.Supervision;

/// <summary>A log provider that throws costs its message, not a process's supervision or its further output.</summary>
internal sealed class ForgivingLogger(ILogger inner) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (AggregateException)
        {
            // Microsoft.Extensions.Logging's loggers collect in it what their providers threw.
        }
    }
}
