using UnixLoop.Interop;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// The pipe can be lent to a splice, behind everything that was written before. The operation has a lock of its own and calls in
// here with it; so it is called without this one.
//
//   _operation  _begin  meaning
//   null        null    the user writes
//   set         set     what is queued goes out first
//   set         null    Lent: the operation writes to the pipe by itself; writes are refused
internal sealed partial class WritePump
{
    // Guarded by _gate; _operation is also read without it, by the writing thread.
    private volatile IOutputOperation? _operation;
    private TaskCompletionSource? _begin;

    /// <summary>Set by the disposal: nothing is lent any more.</summary>
    private Exception? _refusal;

    internal UnixEventLoop Loop => _loop;

    internal bool IsPipe => _end.IsPipe;

    internal int Descriptor => _end.Descriptor;

    /// <summary>What writes to the pipe, or is about to.</summary>
    internal IOutputOperation? Operation => _operation;

    /// <summary>Ends when the pipe is lent, until <see cref="EndOperation"/>; it then stays open, also when the pump ends meanwhile.</summary>
    internal async Task LendAsync(IOutputOperation operation, CancellationToken cancellationToken)
    {
        Task begin;
        lock (_gate)
        {
            if (_state == State.Ended)
                throw Failure ?? PosixError.ToException(PosixResult.Failure(EPIPE), $"write to {_owner.Describe(this)}");
            if (_refusal is not null)
                throw _refusal;
            bool borrowed = false;
            _end.Handle.DangerousAddRef(ref borrowed);
            _operation = operation;
            _begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            begin = _begin.Task;
            if (_state == State.Waiting)
                LendIfAskedNeedsLock();
        }
        using (cancellationToken.UnsafeRegister(static (self, token) => ((WritePump)self!).RefuseBegin(new OperationCanceledException(token)), this))
            await begin.ConfigureAwait(false);
    }

    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    internal void WantWritable(bool wanted)
    {
        lock (_gate)
        {
            if (_state == State.Lent)
                _registration!.Modify(wanted ? Writable | _end.PeerGoneEvents : _end.PeerGoneEvents);
        }
    }

    /// <param name="sent">How many bytes the pipe has taken.</param>
    /// <param name="failure">An error of the pipe, which ends the pump as a failed write does.</param>
    internal void EndOperation(long sent, IOException? failure)
    {
        bool ended;
        lock (_gate)
        {
            Volatile.Write(ref _written, _written + sent);
            _operation = null;
            _end.Handle.DangerousRelease();
            if (_state != State.Lent)
                return;
            _state = State.Waiting;
            if (failure is not null)
                FailNeedsLock(failure);
            else
                ModifyNeedsLock(_end.PeerGoneEvents);
            // The writer may have been completed meanwhile, by a disposal.
            if (_state == State.Waiting && _read.IsCompleted && WriteNeedsLock(_read.GetResult()))
                WaitForDataNeedsLock();
            ended = _state == State.Ended;
        }
        if (ended)
            _owner.OnEnded(this);
        _noted.Write();
    }

    /// <summary>Ends an operation, from outside, and refuses further ones.</summary>
    internal void StopOperation(Exception reason)
    {
        lock (_gate)
            _refusal ??= reason;
        if (!RefuseBegin(reason))
            _operation?.OnOutputGone(reason);
    }

    /// <returns>False if there is none that has not begun.</returns>
    private bool RefuseBegin(Exception reason)
    {
        lock (_gate)
            return RefuseBeginNeedsLock(reason);
    }

    private bool RefuseBeginNeedsLock(Exception reason)
    {
        if (_begin is not { } begin)
            return false;
        _begin = null;
        _operation = null;
        _end.Handle.DangerousRelease();
        if (reason is OperationCanceledException canceled)
            begin.TrySetCanceled(canceled.CancellationToken);
        else
            begin.TrySetException(reason);
        return true;
    }

    /// <summary>While it waits, all has been written.</summary>
    private void LendIfAskedNeedsLock()
    {
        if (_begin is not { } begin)
            return;
        _begin = null;
        _state = State.Lent;
        begin.TrySetResult();
    }

    /// <summary>The pump has ended.</summary>
    private void TellOperationNeedsLock(Exception? error)
    {
        if (_operation is not { } operation)
            return;
        Exception reason = error ?? new ObjectDisposedException(nameof(WritePipe), $"{_owner.Describe(this)} was closed while it was written.");
        // Off the lock, and the caller may hold others.
        if (!RefuseBeginNeedsLock(reason))
            ThreadPool.UnsafeQueueUserWorkItem(static told => told.operation.OnOutputGone(told.reason), (operation, reason), preferLocal: false);
    }
}
