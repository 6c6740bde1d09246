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
    private volatile bool _isEnding;

    /// <summary>For what the stop waits for, loops and their children: their lines are written as any others until the application stops, or the host is disposed.</summary>
    internal ILoggerFactory OnceStopping => this;

    private bool IsStopping => _isEnding || application.ApplicationStopping.IsCancellationRequested;

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

    /// <summary>The host is disposed, which need not have stopped, or started, before.</summary>
    internal sealed class Disposal(ShutdownLog log) : IDisposable
    {
        public void Dispose() => log._isEnding = true;
    }

    private sealed class Logger(ShutdownLog owner, ILogger inner, bool isAlways) : ILogger
    {
        /// <summary>Bits of the levels that were found to be off on the way down: each costs a thread once.</summary>
        private volatile int _off;

        private bool IsOrdinary => !isAlways && !owner.IsStopping;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        /// <summary>On the way down the caller does not ask: who is asked may block, or fail.</summary>
        public bool IsEnabled(LogLevel logLevel) => IsOrdinary ? inner.IsEnabled(logLevel) : (_off & Bit(logLevel)) == 0;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsOrdinary)
                inner.Log(logLevel, eventId, state, exception, formatter);
            else if (IsEnabled(logLevel))
                owner.Tell(() => Write(logLevel, eventId, state, exception, formatter));
        }

        private void Write<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (inner.IsEnabled(logLevel))
                inner.Log(logLevel, eventId, state, exception, formatter);
            else if (owner.IsStopping)
                Interlocked.Or(ref _off, Bit(logLevel));
        }

        private static int Bit(LogLevel logLevel) => 1 << (int)logLevel;
    }
}
