using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Selector;

namespace UnixLoop;

/// <summary>The event loop.</summary>
public sealed partial class UnixEventLoop : IUnixEventLoop, IAsyncDisposable, IDisposable
{
    /// <summary>Makes a loop; it runs once <see cref="StartAsync"/> is called.</summary>
    /// <param name="settings">Null for the defaults.</param>
    public UnixEventLoop(UnixEventLoopSettings? settings = null)
    {
        _signals = CreateSignalHandlers();
        throw new NotImplementedException();
    }

    /// <summary>The loop on whose thread the caller runs, or null.</summary>
    public static UnixEventLoop? Current => throw new NotImplementedException();

    /// <summary>Ends when the loop has ended: successfully after a stop, with the exception after a fault.</summary>
    public Task Completion => throw new NotImplementedException();

    /// <summary>Starts the thread.</summary>
    /// <param name="cancellationToken">Unused by the loop itself.</param>
    public Task StartAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Stops the loop: what was posted before has run.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <inheritdoc/>
    public string Name => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool IsOnLoopThread => throw new NotImplementedException();
    /// <inheritdoc/>
    public TimeProvider TimeProvider => throw new NotImplementedException();
    /// <inheritdoc/>
    public SynchronizationContext SynchronizationContext => throw new NotImplementedException();
    /// <inheritdoc/>
    public PipeScheduler PipeScheduler => throw new NotImplementedException();
    /// <inheritdoc/>
    public event Action<UnhandledExceptionContext>? UnhandledException { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }
    /// <inheritdoc/>
    public void Post(Action callback) => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Post<TState>(Action<TState> callback, TState state) where TState : class? => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task InvokeAsync(Action callback, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task<T> InvokeAsync<T>(Func<T> callback, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task InvokeAsync(Func<ValueTask> callback, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> callback, CancellationToken cancellationToken = default) => throw new NotImplementedException();
    /// <inheritdoc/>
    public IDisposable Schedule(TimeSpan delay, Action callback) => throw new NotImplementedException();
    /// <inheritdoc/>
    public IDisposable WatchReadable(SafeHandle handle, Action callback) => throw new NotImplementedException();
    /// <inheritdoc/>
    public IDisposable WatchWritable(SafeHandle handle, Action callback) => throw new NotImplementedException();
    /// <inheritdoc/>
    public UnixEventLoopStatistics GetStatistics() => throw new NotImplementedException();
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();

    /// <summary>For transports and watchers: registrations from any thread.</summary>
    internal EpollSelector Selector => throw new NotImplementedException();

    /// <summary>Never null; NullLoggerFactory where none was given.</summary>
    internal ILoggerFactory LoggerFactory => throw new NotImplementedException();

    /// <summary>The meter "UnixLoop"; rooms create their instruments on it.</summary>
    internal Meter Meter => throw new NotImplementedException();

    /// <summary>The provider below the loop's own; timers for code that does not run on the loop.</summary>
    internal TimeProvider Clock => throw new NotImplementedException();

    /// <summary>Whether posts and registrations are accepted and the thread runs.</summary>
    internal bool IsRunning => throw new NotImplementedException();

    /// <summary>As <see cref="Post{TState}"/>, but false after the stop.</summary>
    internal bool TryPost<TState>(Action<TState> callback, TState state) where TState : class? => throw new NotImplementedException();

    /// <summary>Counts and reports an exception that a callback let escape.</summary>
    internal void ReportUnhandled(UnhandledExceptionContext context) => throw new NotImplementedException();

    /// <summary>First line of every method that only the loop's thread may call; a violation throws, in Release too.</summary>
    internal void AssertOnLoop() => throw new NotImplementedException();
}
