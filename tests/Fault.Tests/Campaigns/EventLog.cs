using Microsoft.Extensions.Logging;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>Keeps what the library logs; debugging events too, for those that tell of a loss.</summary>
internal sealed class EventLog : ILoggerFactory, ILogger
{
    private readonly List<(LogLevel Level, EventId Id, string Text)> _entries = [];

    internal bool Has(string eventName) => Count(eventName) > 0;

    /// <summary>Waits for it: lines are written last, when those who wait have been told.</summary>
    internal bool Comes(string eventName) => Eventually.TryWait(() => Has(eventName), TimeSpan.FromSeconds(2));

    /// <summary>Entries of level Error and above.</summary>
    internal int Errors
    {
        get
        {
            lock (_entries)
                return _entries.Count(entry => entry.Level >= LogLevel.Error);
        }
    }

    internal int Count(string eventName)
    {
        lock (_entries)
            return _entries.Count(entry => entry.Id.Name == eventName);
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (_entries)
            _entries.Add((logLevel, eventId, formatter(state, exception)));
    }

    public void Dispose()
    {
    }

    public override string ToString()
    {
        lock (_entries)
            return string.Join("; ", _entries.Select(entry => $"{entry.Id.Name}: {entry.Text}"));
    }
}
