using UnixLoop.Interop;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

// An operation (sendfile, splice) has the output to itself, behind everything that was written before it.
//
//   _operation  _hasBegun   meaning
//   null        false       the user writes
//   set         false       the queue goes out first
//   set         true        the operation writes to the socket by itself; writes are refused
//
// The operation has a lock of its own and calls in here with it; so it is called without this one.
internal sealed partial class SocketOutput : IOperableOutput
{
    // Guarded by _gate; _operation is also read without it, by the writing thread.
    private volatile IOutputOperation? _operation;
    private bool _hasBegun;
    private TaskCompletionSource? _begin;

    UnixEventLoop IOperableOutput.Loop => _connection.Loop;

    bool IOperableOutput.IsPipe => false;

    int IOperableOutput.Descriptor => _connection.Descriptor;

    async ValueTask IOperableOutput.BeginOutputOperationAsync(IOutputOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Task? begin = null;
        bool isOver;
        lock (_gate)
        {
            CheckMayFlushNeedsLock();
            bool wasOver = _isOver;
            SendOrQueueNeedsLock();
            isOver = _isOver && !wasOver;
            if (!_isOver && _closed is null)
                begin = LendNeedsLock(operation);
        }
        if (isOver)
            OnOver();
        Exception? gone = begin is null ? GoneError : null;
        _connection.WriteNoted();
        if (begin is null)
            throw gone!;
        using (cancellationToken.UnsafeRegister(static (self, token) => ((SocketOutput)self!).CancelBegin(token), this))
            await begin.ConfigureAwait(false);
    }

    void IOperableOutput.WantWritable(bool wanted)
    {
        lock (_gate)
        {
            if (!_isOver)
                _connection.SetInterest(ConnectionDirections.Output, wanted);
        }
    }

    void IOperableOutput.EndOutputOperation(IOutputOperation operation, long sent, Exception? failure)
    {
        bool isOver;
        lock (_gate)
        {
            bool wasOver = _isOver;
            if (sent > 0)
                CountNeedsLock(sent);
            _operation = null;
            _hasBegun = false;
            if (!_isOver && failure is not null)
                OverNeedsLock(failure);
            else if (!_isOver)
                _connection.SetInterest(ConnectionDirections.Output, false);
            ShutDownIfDrainedNeedsLock();
            isOver = _isOver && !wasOver;
        }
        _connection.Socket.DangerousRelease();
        if (isOver)
            OnOver();
        _connection.WriteNoted();
    }

    private Exception GoneError => _failure ?? _closed ?? _connection.SendFailed(PosixResult.Failure(EPIPE));

    /// <summary>Ends an operation; nothing if there is none. What the output then does is the caller's.</summary>
    private void StopOperationNeedsLock(Exception reason)
    {
        if (_operation is not { } operation)
            return;
        if (!_hasBegun)
        {
            TaskCompletionSource begin = _begin!;
            GiveBackNeedsLock();
            begin.TrySetException(reason);
            return;
        }
        // Off the lock, and the caller may hold others.
        ThreadPool.UnsafeQueueUserWorkItem(static told => told.operation.OnOutputGone(told.reason), (operation, reason), preferLocal: false);
    }

    private Task LendNeedsLock(IOutputOperation operation)
    {
        bool borrowed = false;
        _connection.Socket.DangerousAddRef(ref borrowed);
        _operation = operation;
        _hasBegun = _queue.IsEmpty;
        if (_hasBegun)
            return Task.CompletedTask;
        _begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _begin.Task;
    }

    /// <summary>Of an operation that has not begun.</summary>
    private void GiveBackNeedsLock()
    {
        _operation = null;
        _begin = null;
        _connection.Socket.DangerousRelease();
    }

    private void BeginIfDrainedNeedsLock()
    {
        if (_begin is null || !_queue.IsEmpty || _isOver)
            return;
        _hasBegun = true;
        _begin.TrySetResult();
        _begin = null;
    }

    private void CancelBegin(CancellationToken token)
    {
        lock (_gate)
        {
            if (_begin is not { } begin)
                return;
            GiveBackNeedsLock();
            begin.TrySetCanceled(token);
        }
    }

    private void CheckNoOperation()
    {
        if (_operation is { } operation)
            throw new InvalidOperationException($"The {operation.Name} is in progress: nothing else can be written before it ends.");
    }
}
