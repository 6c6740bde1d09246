using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting;

/// <summary>
/// The log of what happens on the way down. A log may block, as a console whose reader has stopped reading: then the shutdown goes on, and
/// what it says waits behind the line that does not get out.
/// </summary>
internal sealed class ShutdownLog(ILoggerFactory loggers, IHostApplicationLifetime application) : ILoggerFactory
{
    /// <summary>For the first line that does not get out; those behind it are not waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;
    private volatile bool _isStuck;

    /// <summary>For what the stop waits for, loops and their children: their lines are written as any others until the application stops.</summary>
    internal ILoggerFactory OnceStopping => this;

    private bool IsStopping => application.ApplicationStopping.IsCancellationRequested;

    internal ILogger CreateLogger(string category) => new Logger(this, loggers.CreateLogger(category), isAlways: true);

    internal ILogger CreateLogger<TCategory>() => new Logger(this, loggers.CreateLogger<TCategory>(), isAlways: true);

    ILogger ILoggerFactory.CreateLogger(string categoryName) => new Logger(this, loggers.CreateLogger(categoryName), isAlways: false);

    void ILoggerFactory.AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    /// <summary>The application's loggers are not ours.</summary>
    void IDisposable.Dispose()
    {
    }

    /// <summary>In the order of the calls, each on a thread of its own: the pool may be exhausted.</summary>
    private void Tell(Action line)
    {
        IAsyncResult told;
        lock (_lock)
            told = _last = _last.ContinueWith(_ => line(), CancellationToken.None, TaskContinuationOptions.LongRunning, TaskScheduler.Default);
        // Not Wait, which would run the line on this thread.
        if (!_isStuck && !told.AsyncWaitHandle.WaitOne(Patience))
            _isStuck = true;
    }

    private sealed class Logger(ShutdownLog owner, ILogger inner, bool isAlways) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!isAlways && !owner.IsStopping)
                inner.Log(logLevel, eventId, state, exception, formatter);
            else if (inner.IsEnabled(logLevel))
                owner.Tell(() => inner.Log(logLevel, eventId, state, exception, formatter));
        }
    }
}
