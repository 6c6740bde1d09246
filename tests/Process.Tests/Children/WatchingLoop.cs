using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Process.Tests.Children;

/// <summary>A loop with an attached watcher, inside a scenario.</summary>
internal sealed class WatchingLoop : IAsyncDisposable
{
    private readonly ILoggerFactory _loggers;

    private WatchingLoop(IChildWatcher watcher)
    {
        Watcher = watcher;
        _loggers = LoggerFactory.Create(b => b.SetMinimumLevel(LogLevel.Debug).AddProvider(new FakeLoggerProvider(Log)));
        Loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = _loggers });
    }

    internal FakeLogCollector Log { get; } = new();

    internal UnixEventLoop Loop { get; }

    internal IChildWatcher Watcher { get; }

    internal static async Task<WatchingLoop> StartAsync(IChildWatcher watcher)
    {
        WatchingLoop started = new(watcher);
        await started.Loop.StartAsync().WaitAsync(TestTimeout);
        watcher.Attach(started.Loop);
        return started;
    }

    /// <summary>By a watcher's name: "pidfd", "threaded", "safe", "fast" or "multiloop".</summary>
    internal static Task<WatchingLoop> StartAsync(string watcher) => StartAsync(Create(watcher));

    internal static IChildWatcher Create(string watcher) => watcher switch
    {
        "pidfd" => new PidfdChildWatcher(),
        "threaded" => new ThreadedChildWatcher(),
        "safe" => new SafeChildWatcher(),
        "fast" => new FastChildWatcher(),
        "multiloop" => new MultiLoopChildWatcher(),
        _ => throw new ArgumentOutOfRangeException(nameof(watcher), watcher, "no watcher"),
    };

    internal bool HasLogged(string eventName) => Log.GetSnapshot().Any(record => record.Id.Name == eventName);

    /// <summary>Starts a child that ends with <paramref name="code"/>; the watcher borrows its pidfd.</summary>
    internal WatchedExit StartExiting(int code)
    {
        WatchedExit exit = new(code, TestChildren.StartExiting(code));
        Watcher.Add(exit.Child.Pid, exit.Child.Pidfd, exit.Handler);
        exit.Child.Pidfd?.Dispose();
        return exit;
    }

    /// <summary>Waits for all of them, then for a second call that must not come.</summary>
    internal async Task<ChildExitStatus[]> WaitForAsync(IReadOnlyCollection<WatchedExit> exits)
    {
        ChildExitStatus[] statuses = await Task.WhenAll(exits.Select(static exit => exit.Handler.Exited));
        await Loop.InvokeAsync(static () => { }).WaitAsync(TestTimeout);
        Assert.All(exits, static exit => Assert.Equal(1, exit.Handler.ExitedCalls));
        return statuses;
    }

    public async ValueTask DisposeAsync()
    {
        Watcher.Dispose();
        await Loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        _loggers.Dispose();
    }
}

/// <summary>A child that is to end with a code, and who is told.</summary>
internal sealed record WatchedExit(int Code, SpawnedChild Child)
{
    internal RecordingHandler Handler { get; } = new();

    internal bool IsRight(ChildExitStatus status) => status is { Kind: ChildExitKind.Exited, ExitCode: var code } && code == Code;
}
