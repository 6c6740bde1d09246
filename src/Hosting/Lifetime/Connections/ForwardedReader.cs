using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace UnixLoop.Hosting.Connections;

/// <summary>
/// A reader in front of another, which looks at the end of each read. A read that has to wait is its own source, on top of the one that it waits
/// for: a pipe has one read at a time, so nothing is allocated.
/// </summary>
[SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "The read at hand is kept until its one GetResult.")]
internal abstract class ForwardedReader : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly PipeReader _inner;
    private readonly Action _continue;
    private ValueTask<ReadResult> _read;
    private short _version;
    private Action<object?>? _continuation;
    private object? _state;

    protected ForwardedReader(PipeReader inner)
    {
        _inner = inner;
        _continue = Continue;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = _inner.ReadAsync(cancellationToken);
        if (read.IsCompletedSuccessfully)
            return new(End(read));
        _read = read;
        return new(this, _version);
    }

    public override bool TryRead(out ReadResult result) => _inner.TryRead(out result);

    public override void AdvanceTo(SequencePosition consumed) => _inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _inner.CompleteAsync(exception);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token)
    {
        Check(token);
        return !_read.IsCompleted ? ValueTaskSourceStatus.Pending
            : _read.IsCompletedSuccessfully ? ValueTaskSourceStatus.Succeeded
            : _read.IsCanceled ? ValueTaskSourceStatus.Canceled
            : ValueTaskSourceStatus.Faulted;
    }

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Check(token);
        (_continuation, _state) = (continuation, state);
        var awaiter = _read.ConfigureAwait((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0).GetAwaiter();
        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0)
            awaiter.OnCompleted(_continue);
        else
            awaiter.UnsafeOnCompleted(_continue);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        Check(token);
        ValueTask<ReadResult> read = _read;
        _read = default;
        _version++;
        return End(read);
    }

    /// <summary>Takes the result of a read that has ended, or throws what it failed with.</summary>
    protected abstract ReadResult End(ValueTask<ReadResult> read);

    private void Check(short token)
    {
        if (token != _version)
            throw new InvalidOperationException("The ValueTask has been awaited already: each may be consumed once.");
    }

    /// <summary>The next read may begin within it.</summary>
    private void Continue()
    {
        (Action<object?> continuation, object? state) = (_continuation!, _state);
        (_continuation, _state) = (null, null);
        continuation(state);
    }
}
