using System.Diagnostics;
using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>The user's handle on a child. The child itself is a <see cref="ChildProcess"/>, which outlives a handle that is dropped.</summary>
[DebuggerDisplay("{ToString(),nq}")]
internal sealed class Subprocess : ISubprocess
{
    private readonly ChildProcess _child;
    private readonly SubprocessServices _services;
    private readonly PipedStreams _streams;
    private readonly PumpedPipeWriter? _input;
    private readonly PumpedPipeReader? _output;
    private readonly PumpedPipeReader? _error;
    private readonly LossNotice? _lossNotice;

    internal Subprocess(SubprocessServices services, ChildProcess child, PipedStreams streams)
    {
        _child = child;
        _services = services;
        _streams = streams;
        if (child.Input is WritePump input)
            _input = new PumpedPipeWriter(input, this, services.Logger);
        if (child.Output is not null)
            _output = new PumpedPipeReader(streams.Output!.Reader, child.Output, this);
        if (child.Error is not null)
            _error = new PumpedPipeReader(streams.Error!.Reader, child.Error, this);
        if (_input is not null || _output is not null || _error is not null)
            _lossNotice = new LossNotice(child);
    }

    /// <summary>For tests: whether the loop has stopped reading shows nowhere else.</summary>
    internal ReadPump? OutputPump => _child.Output;

    public int Id => _child.Id;

    public string FileName => _child.FileName;

    public PipeWriter Input => _input ?? throw NotAPipe("input");

    public PipeReader Output => _output ?? throw NotAPipe("output");

    public PipeReader Error => _error ?? throw NotAPipe("error");

    public ChildExitStatus? ExitStatus => _child.ExitStatus;

    public Task<ChildExitStatus> WaitForExitAsync(CancellationToken cancellationToken = default)
    {
        _child.HoldUntilExit(this);
        Task<ChildExitStatus> exited = _child.Exited;
        return cancellationToken.CanBeCanceled ? exited.WaitAsync(cancellationToken) : exited;
    }

    public async Task<(ChildExitStatus Status, bool Truncated)> WaitForExitAndDrainAsync(TimeSpan bound, CancellationToken cancellationToken = default)
    {
        RunOptionRules.CheckDuration(bound, nameof(bound));
        ChildExitStatus exit = await WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        Task ended = _streams.WaitForEndAsync(_child);
        try
        {
            if (!ended.IsCompleted)
                await ended.WaitAsync(bound, _services.Loop.Clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (_child.OpenOutputs > 0)
        {
            _child.CloseOutputs();
            SubprocessLog.OutputCutOff(_services.Logger, FileName, Id, bound);
            GC.KeepAlive(this);
            return (exit, Truncated: true);
        }
        catch (TimeoutException)
        {
            // They ended meanwhile.
        }
        GC.KeepAlive(this);
        return (exit, Truncated: false);
    }

    public bool Signal(UnixSignal signal)
    {
        bool sent = _child.Signal(signal);
        GC.KeepAlive(this);
        return sent;
    }

    public void Resize(int columns, int rows)
    {
        TerminalSize.Check(columns, rows);
        _child.Resize(new TerminalSize((ushort)columns, (ushort)rows));
        GC.KeepAlive(this);
    }

    public Task<ChildExitStatus> StopAsync(TimeSpan grace, CancellationToken cancellationToken = default)
    {
        RunOptionRules.CheckDuration(grace, nameof(grace));
        _child.HoldUntilExit(this);
        return _child.StopAsync(grace, cancellationToken);
    }

    public Task<(ChildExitStatus Status, IReadOnlyList<SurvivingProcess> Survivors)> StopTreeAsync(TimeSpan grace, CancellationToken cancellationToken = default)
    {
        RunOptionRules.CheckDuration(grace, nameof(grace));
        _child.HoldUntilExit(this);
        return new TreeStop(_services, _child).RunAsync(grace, cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _lossNotice?.Dispose();
        return _child.DestroyAsync();
    }

    public override string ToString() => _child.ToString();

    private InvalidOperationException NotAPipe(string stream) =>
        new($"Standard {stream} of {_child} is not a pipe: set {nameof(SubprocessStartInfo)}.{char.ToUpperInvariant(stream[0])}{stream[1..]} to {nameof(Stdio)}.{nameof(Stdio.Pipe)}.");

    /// <summary>Is finalized with the handle that holds it. An object of its own, since a child without pipes has nothing to lose, and finalizable objects are costly to make.</summary>
    private sealed class LossNotice(ChildProcess child) : IDisposable
    {
        ~LossNotice() => child.OnHandleLost();

        public void Dispose() => GC.SuppressFinalize(this);
    }
}
