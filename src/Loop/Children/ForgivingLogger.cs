using Microsoft.Extensions.Logging;

namespace UnixLoop.Children;

/// <summary>A logger whose providers may fail: a line is less than a child's exit, or than the process, which an exception on a waiting thread would end.</summary>
internal sealed class ForgivingLogger(ILogger inner) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

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
