using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Feeds a run's child from a source of the caller's, on the thread pool. A child that stops reading ends it quietly; a source that fails while the child lives ends the run.</summary>
internal sealed class InputFeed : IAsyncDisposable
{
    private readonly SubprocessServices _services;
    private readonly TimeSpan _patience;
    private readonly EarlyStop _early;
    private readonly ChildProcess _child;
    private readonly Func<PipeWriter, CancellationToken, Task> _source;
    private readonly CancellationTokenSource _ended = new();
    private readonly FeedWriter _writer;
    private readonly Task _copying;

    private InputFeed(SubprocessServices services, SubprocessRunOptions options, Func<PipeWriter, CancellationToken, Task> source, ChildProcess child, EarlyStop early)
    {
        _services = services;
        _patience = options.DrainBound;
        _early = early;
        _source = source;
        _child = child;
        var pump = (WritePump)child.Input!;
        _writer = new FeedWriter(pump, services.Loop, Fail);
        _copying = CopyAsync(pump, _ended.Token);
    }

    /// <summary>Bytes need no feed: a pump of their own writes them.</summary>
    internal static IPump Open(SubprocessServices services, SubprocessInput input, UnixHandle writeEnd, ChildProcess child) =>
        input.Feed is null
            ? new BytesPump(services.Loop, writeEnd, input.Bytes, child)
            : new WritePump(services.Loop, writeEnd, child, services.Logger);

    /// <summary>Null where the input is bytes.</summary>
    internal static InputFeed? Begin(SubprocessServices services, SubprocessRunOptions options, ChildProcess child, EarlyStop early) =>
        options.Input?.Feed is { } source ? new InputFeed(services, options, source, child, early) : null;

    /// <summary>The run is over: the source is let go of, unless it can't be cancelled; then it is not waited for.</summary>
    public ValueTask DisposeAsync() => new(CallersCode.LetGoAsync(_ended, _copying, _patience, _services.Loop.Clock));

    private async Task CopyAsync(WritePump pump, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await _source(_writer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
        }
        finally
        {
            await pump.Writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    private void Fail(Exception failure)
    {
        // Nobody needs the input of a child that has exited; but where the source had ended the input, that may be why it has.
        if (!_child.HasExited || _writer.IsCompleted)
            _early.FailSource(failure);
    }
}
