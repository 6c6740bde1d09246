using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>Feeds a run's child from a stream, on the thread pool. A child that stops reading ends it quietly; a stream that fails ends the run.</summary>
internal sealed class InputFeed : IAsyncDisposable
{
    private readonly SubprocessServices _services;
    private readonly TimeSpan _patience;
    private readonly EarlyStop _early;
    private readonly Stream _stream;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _copying;

    private InputFeed(SubprocessServices services, SubprocessRunOptions options, Stream stream, ChildProcess child, EarlyStop early)
    {
        _services = services;
        _patience = options.DrainBound;
        _early = early;
        _stream = stream;
        _copying = CopyAsync((WritePump)child.Input!, _ended.Token);
    }

    /// <summary>Bytes need no feed: a pump of their own writes them.</summary>
    internal static IPump Open(SubprocessServices services, SubprocessInput input, UnixHandle writeEnd, ChildProcess child) =>
        input.Stream is null
            ? new BytesPump(services.Loop, writeEnd, input.Bytes, child)
            : new WritePump(services.Loop, writeEnd, child, services.Logger);

    /// <summary>Null unless the input is a stream.</summary>
    internal static InputFeed? Begin(SubprocessServices services, SubprocessRunOptions options, ChildProcess child, EarlyStop early) =>
        options.Input?.Stream is { } stream ? new InputFeed(services, options, stream, child, early) : null;

    /// <summary>The run is over: the stream is let go of, unless a read of it can't be cancelled; then it is not waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        try
        {
            await _copying.WaitAsync(_patience, _services.Loop.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return; // the token's source stays with the read that still uses it
        }
        _ended.Dispose();
    }

    private async Task CopyAsync(WritePump pump, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (await ReadAsync(pump.Writer, cancellationToken).ConfigureAwait(false) && await FlushAsync(pump.Writer).ConfigureAwait(false))
            {
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            _early.Fail(e);
        }
        finally
        {
            await pump.Writer.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> ReadAsync(PipeWriter writer, CancellationToken cancellationToken)
    {
        int read = await _stream.ReadAsync(writer.GetMemory(PipeDefaults.SmallestRead), cancellationToken).ConfigureAwait(false);
        writer.Advance(read);
        return read > 0;
    }

    /// <summary>False if nobody reads any more, which is no error: the child has read enough, or is gone.</summary>
    private async ValueTask<bool> FlushAsync(PipeWriter writer)
    {
        try
        {
            return !(await writer.FlushAsync(CancellationToken.None).ConfigureAwait(false)).IsCompleted;
        }
        catch (IOException e) when (e.HResult == EPIPE)
        {
            return false;
        }
        catch (ObjectDisposedException) when (!_services.Loop.HasEnded)
        {
            return false;
        }
    }
}
