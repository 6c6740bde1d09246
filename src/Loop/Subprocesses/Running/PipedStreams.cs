using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>The streams of a child that was started through StartAsync: pipes for the user.</summary>
internal sealed class PipedStreams(SubprocessServices services) : IChildConsumer
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private TaskCompletionSource? _drained;
    private bool _isDrained;

    internal PipeReadSink? Output { get; private set; }

    internal PipeReadSink? Error { get; private set; }

    public IReadSink OpenOutput(bool isError)
    {
        var sink = new PipeReadSink(services.Loop);
        if (isError)
            Error = sink;
        else
            Output = sink;
        return sink;
    }

    public IPump OpenInput(UnixHandle writeEnd, ChildProcess child) => new WritePump(services.Loop, writeEnd, child, services.Logger);

    public void OnExited(ChildProcess child)
    {
    }

    public void OnOutputEnded(ChildProcess child)
    {
        TaskCompletionSource? drained;
        lock (_gate)
        {
            if (child.OpenOutputs > 0)
                return;
            _isDrained = true;
            drained = _drained;
        }
        drained?.TrySetResult();
    }

    /// <summary>Ends when no output stream is open any more.</summary>
    internal Task WaitForEndAsync(ChildProcess child)
    {
        lock (_gate)
        {
            if (_isDrained || child.OpenOutputs == 0)
                return Task.CompletedTask;
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }
}
