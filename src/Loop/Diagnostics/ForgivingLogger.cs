using Microsoft.Extensions.Logging;

namespace UnixLoop;

/// <summary>
/// A logger whose providers may fail: a line is less than a child's exit, a connection's end, or the process, which an exception on
/// a thread of ours would end. Also compiled into UnixLoop.Hosting.
/// </summary>
internal sealed class ForgivingLogger(ILogger inner) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // Whatever it is: Microsoft.Extensions.Logging collects what its providers throw in an AggregateException, other factories need not.
        }
    }
}
