using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace UnixLoop.Hosting.Connections;

/// <summary>
/// A connection's input, whose reads are noted as they end. A read that has to wait is its own source, on top of the one that it waits
/// for: a pipe has one read at a time, so nothing is allocated.
/// </summary>
[SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "The read at hand is kept until its one GetResult.")]
internal sealed class DrainedReader : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly PipeReader _inner;
    private readonly DrainedConnection _connection;
    private readonly Action _continue;
    private ValueTask<ReadResult> _read;
    private Action<object?>? _continuation;
    private object? _state;

    internal DrainedReader(PipeReader inner, DrainedConnection connection)
    {
        _inner = inner;
        _connection = connection;
        _continue = Continue;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = _inner.ReadAsync(cancellationToken);
        if (_connection.IsHttp2)
            return read;
        if (read.IsCompletedSuccessfully)
            return new(Noted(read.Result));
        _read = read;
        return new(this, token: 0);
    }

    public override bool TryRead(out ReadResult result)
    {
        bool isRead = _inner.TryRead(out result);
        if (isRead)
            _connection.OnRead(result.Buffer);
        return isRead;
    }

    public override void AdvanceTo(SequencePosition consumed) => _inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _inner.CompleteAsync(exception);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) =>
        !_read.IsCompleted ? ValueTaskSourceStatus.Pending
        : _read.IsCompletedSuccessfully ? ValueTaskSourceStatus.Succeeded
        : _read.IsCanceled ? ValueTaskSourceStatus.Canceled
        : ValueTaskSourceStatus.Faulted;

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        (_continuation, _state) = (continuation, state);
        var awaiter = _read.ConfigureAwait((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0).GetAwaiter();
        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0)
            awaiter.OnCompleted(_continue);
        else
            awaiter.UnsafeOnCompleted(_continue);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        ValueTask<ReadResult> read = _read;
        _read = default;
        return Noted(read.GetAwaiter().GetResult());
    }

    private ReadResult Noted(ReadResult result)
    {
        _connection.OnRead(result.Buffer);
        return result;
    }

    /// <summary>The next read may begin within it.</summary>
    private void Continue()
    {
        (Action<object?> continuation, object? state) = (_continuation!, _state);
        (_continuation, _state) = (null, null);
        continuation(state);
    }
}
