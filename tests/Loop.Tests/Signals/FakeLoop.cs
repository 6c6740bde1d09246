using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Signals;

namespace UnixLoop.Loop.Tests.Signals;

/// <summary>Stands in for the loop: what was posted runs when the test says so.</summary>
internal sealed class FakeLoop : IDisposable
{
    private readonly ConcurrentQueue<(Action<SignalWork> Callback, SignalWork State)> _posts = new();
    private readonly FakeLoggerProvider _logs = new();
    private readonly LoggerFactory _loggerFactory;

    internal FakeLoop(SignalHub hub, string name = "test")
    {
        _loggerFactory = new LoggerFactory([_logs]);
        Handlers = new LoopSignalHandlers(
            new SignalLoop(name, TryPost, (message, exception) => Reports.Enqueue((message, exception)), _loggerFactory, Meter), hub);
    }

    internal LoopSignalHandlers Handlers { get; }

    internal Meter Meter { get; } = new("UnixLoop.Loop.Tests");

    internal ConcurrentQueue<(string Message, Exception Exception)> Reports { get; } = new();

    internal bool HasStopped { get; set; }

    internal int PostCount => _posts.Count;

    internal IEnumerable<string?> EventNames => _logs.Collector.GetSnapshot().Select(record => record.Id.Name);

    internal IEnumerable<string> LogLines => _logs.Collector.GetSnapshot().Select(record => $"{record.Level} {record.Message}");

    /// <summary>One turn: what was queued before it.</summary>
    internal void Turn()
    {
        for (int count = _posts.Count; count > 0 && _posts.TryDequeue(out (Action<SignalWork> Callback, SignalWork State) post); count--)
            post.Callback(post.State);
    }

    private bool TryPost(Action<SignalWork> callback, SignalWork state)
    {
        if (HasStopped)
            return false;
        _posts.Enqueue((callback, state));
        return true;
    }

    public void Dispose()
    {
        Handlers.CloseAll();
        Meter.Dispose();
        _loggerFactory.Dispose();
        _logs.Dispose();
    }
}
