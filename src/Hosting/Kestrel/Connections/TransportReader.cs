using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace UnixLoop.Hosting.Kestrel.Connections;

/// <summary>The connection's input, with the exception that Kestrel knows for a peer that has gone in the midst of things.</summary>
/// <remarks>A read that waits is every request's: this is its task's source by itself, rather than an async method around the input's.</remarks>
internal sealed class TransportReader : PipeReader, IValueTaskSource<ReadResult>
{
    private const int ConnectionReset = 104; // ECONNRESET

    private readonly PipeReader _input;
    private readonly Action _onRead;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _awaiter;

    /// <summary>Its continuations run where the input's do.</summary>
    private ManualResetValueTaskSourceCore<ReadResult> _wait;

    internal TransportReader(PipeReader input)
    {
        _input = input;
        _onRead = OnRead;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = _input.ReadAsync(cancellationToken);
        if (read.IsCompletedSuccessfully)
            return read;
        if (read.IsCompleted)
            return Failed(read);
        _wait.Reset();
        _awaiter = read.ConfigureAwait(false).GetAwaiter();
        _awaiter.UnsafeOnCompleted(_onRead);
        return new ValueTask<ReadResult>(this, _wait.Version);
    }

    public override bool TryRead(out ReadResult result)
    {
        try
        {
            return _input.TryRead(out result);
        }
        catch (IOException e) when (IsReset(e))
        {
            throw new ConnectionResetException(e.Message, e);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => _input.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _input.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => _input.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _input.Complete(exception);

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void OnRead()
    {
        ReadResult result;
        try
        {
            result = _awaiter.GetResult();
        }
#pragma warning disable CA1031 // it goes to who awaits
        catch (Exception e)
#pragma warning restore CA1031
        {
            _wait.SetException(e is IOException io && IsReset(io) ? new ConnectionResetException(io.Message, io) : e);
            return;
        }
        _wait.SetResult(result);
    }

    private static ValueTask<ReadResult> Failed(ValueTask<ReadResult> read)
    {
        Task<ReadResult> failed = read.AsTask();
        return failed.Exception?.InnerException is IOException io && IsReset(io)
            ? ValueTask.FromException<ReadResult>(new ConnectionResetException(io.Message, io))
            : new ValueTask<ReadResult>(failed);
    }

    private static bool IsReset(IOException e) => e.HResult == ConnectionReset;
}
