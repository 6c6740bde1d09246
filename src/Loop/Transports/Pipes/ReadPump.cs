using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Selector;
using UnixLoop.Transports.SendFile;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

// Constraints
//  - The descriptor is read on the loop's thread, while any thread may close the pump, resume it or drain it.
//  - An event may come before Register has returned to the thread that called it.
//  - A paused descriptor must not stay in epoll with an empty mask: a hang-up would spin the loop (linux.md, rule 2).
//  - EPOLL_CTL_DEL comes before close (rule 3).
// Scheme
//  - One lock guards everything; the loop finds it free but for those rare moments. read(2) never blocks, so it is never
//    held for long. The owner is told, and what happened is logged, off the lock.
//  - The descriptor is read until a read comes back short: a pipe gives all that it has, or one packet. After EPOLLHUP it is read
//    to its end.
//  - A grown pipe is edge-triggered while it is busy (ReadPump.Edges.cs).
//
//   state     event                          next state
//   Created   Start                          Reading
//   Reading   the sink's Flush says false    Paused
//   Paused    Resume, and Flush says true    Reading
//   Reading, Paused   TryLend              Lent
//   Lent      TakeBack                       Reading, Paused
//   any       end, error, Close, loop's end  Ended
internal sealed partial class ReadPump : IPump, IReadyHandler
{
    private static readonly uint Readable = (uint)EPOLLIN;
    private static readonly uint HungUp = (uint)EPOLLHUP;

    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly PipeEnd _end;
    private readonly IReadSink _sink;
    private readonly IPumpOwner _owner;
    private readonly ILogger _logger;

    // Guarded by _gate.
    private SelectorRegistration? _registration;
    private volatile State _state;
    private PipeGrowth _growth;
    private bool _closeWhenPaused;

    /// <summary>Drained while paused, and not resumed since.</summary>
    private bool _hasUnflushed;
    private NotedLines _noted;

    /// <param name="loop">Reads on its thread.</param>
    /// <param name="end">Never waits; owned from here on.</param>
    /// <param name="sink">Gets the bytes.</param>
    /// <param name="owner">Told of the end.</param>
    /// <param name="budget">For growing the pipe; null leaves its size alone.</param>
    /// <param name="logger">For errors that are no errors, at Debug.</param>
    internal ReadPump(UnixEventLoop loop, PipeEnd end, IReadSink sink, IPumpOwner owner, PipeBudget? budget, ILogger logger)
    {
        _loop = loop;
        _end = end;
        _sink = sink;
        _owner = owner;
        _logger = logger;
        _growth = new PipeGrowth(budget);
        sink.Attach(this);
    }

    private enum State
    {
        Created,
        Reading,
        Paused,
        Lent,
        Ended,
    }

    public bool IsEnded => _state == State.Ended;

    /// <summary>What it ended with; null at end of file and after a plain close.</summary>
    public Exception? Failure { get; private set; }

    internal bool IsPaused => _state == State.Paused;

    /// <summary>Bytes that it has read itself, without spliced ones; all of an exited child's once <see cref="Drain"/> has returned.</summary>
    internal long Total { get; private set; }

    public void Start()
    {
        lock (_gate)
        {
            _registration = _loop.Selector.Register(_end.Handle, Readable, this);
            _state = State.Reading;
        }
    }

    /// <summary>
    /// As <see cref="Start"/>, but without a registration: until <see cref="StartNow"/> only <see cref="Drain"/> reads. For a sink
    /// whose Flush never says false.
    /// </summary>
    internal void StartLater()
    {
        lock (_gate)
            _state = State.Reading;
    }

    /// <summary>Registers what <see cref="StartLater"/> did not, unless it has ended. Any thread.</summary>
    internal void StartNow()
    {
        lock (_gate)
        {
            if (_state != State.Reading || _registration is not null)
                return;
            try
            {
                _registration = _loop.Selector.Register(_end.Handle, Readable, this);
                return;
            }
            catch (IOException e)
            {
                EndNeedsLock(e);
            }
            catch (ObjectDisposedException)
            {
                EndNeedsLock(LoopEnded());
            }
        }
        _owner.OnEnded(this);
        _noted.Write();
    }

    public void OnReady(uint events)
    {
        bool ended = false;
        ISpliceBorrower? borrower;
        lock (_gate)
        {
            borrower = _borrower;
            if (_state == State.Reading)
            {
                int read = ReadNeedsLock(toEnd: (events & HungUp) != 0, PipeDefaults.BytesPerTurn);
                if (read > 0)
                    FlushNeedsLock();
                ChooseTriggerNeedsLock(read, PipeDefaults.BytesPerTurn);
                ended = _state == State.Ended;
            }
        }
        borrower?.OnReadable();
        TellOwner(ended);
    }

    public void OnLoopEnded() => Close(LoopEnded());

    private ObjectDisposedException LoopEnded() => new(nameof(UnixEventLoop), $"The loop ended before {_owner.Describe(this)} did.");

    /// <summary>The sink has room again; any thread.</summary>
    internal void Resume()
    {
        bool ended;
        lock (_gate)
        {
            if (_state != State.Paused)
                return;
            ResumeNeedsLock();
            ended = _state == State.Ended;
        }
        TellOwner(ended);
    }

    /// <summary>
    /// Takes all that is in the pipe now, also while paused: at the writer's exit that is all that it has written, and the end
    /// behind it, unless another process still holds the pipe. Any thread.
    /// </summary>
    internal void Drain()
    {
        bool ended;
        lock (_gate)
        {
            if (_state is not (State.Reading or State.Paused))
                return;
            int read = ReadNeedsLock(toEnd: true, PipeDefaults.LargestCapacity);
            if (read > 0 && _state == State.Reading)
                FlushNeedsLock();
            else if (read > 0)
                _hasUnflushed = true;
            ChooseTriggerNeedsLock(read, PipeDefaults.LargestCapacity);
            ended = _state == State.Ended;
        }
        TellOwner(ended);
    }

    /// <summary>Nobody can read any more: ends it as soon as the sink is full, which would hold the writer back for ever.</summary>
    /// <returns>Whether it was open.</returns>
    internal bool Abandon()
    {
        lock (_gate)
        {
            if (_state == State.Ended)
                return false;
            _closeWhenPaused = true;
            if (_state != State.Paused)
                return true;
        }
        Close(null);
        return true;
    }

    public void Close(Exception? error)
    {
        ISpliceBorrower? borrower;
        lock (_gate)
        {
            if (_state == State.Ended)
                return;
            borrower = _borrower;
            EndNeedsLock(error);
        }
        borrower?.OnSourceGone(error);
        _owner.OnEnded(this);
        _noted.Write();
    }

    /// <summary>Off the lock, after each step that may have ended it or noted something.</summary>
    private void TellOwner(bool ended)
    {
        if (ended)
            _owner.OnEnded(this);
        _noted.Write();
    }

    public override string ToString() => $"{_owner.Describe(this)} ({_end}, {_state})";

    /// <summary>
    /// Reads until there is nothing more, the end, an error, or <paramref name="limit"/>, which the last read may pass; returns the
    /// bytes read if the pump goes on.
    /// </summary>
    private int ReadNeedsLock(bool toEnd, int limit)
    {
        int total = 0;
        try
        {
            while (total < limit)
            {
                Span<byte> room = _sink.GetSpan(_growth.ReadSize);
                room = room[..Math.Min(room.Length, Math.Max(limit - total, PipeDefaults.LargestPacket))];
                PosixResult read = _end.Read(room);
                if (read.IsError)
                {
                    if (read.Errno == EAGAIN)
                        break;
                    EndByErrorNeedsLock(read);
                    return 0;
                }
                if (read.Value == 0)
                {
                    EndNeedsLock(null);
                    return 0;
                }
                total += read.IntValue;
                Total += read.Value;
                _sink.Advance(read.IntValue);
                if (read.Value < room.Length && !toEnd)
                    break;
            }
        }
        catch (Exception e)
        {
            EndNeedsLock(e);
            return 0;
        }
        if (_growth.Observe(_end.Descriptor, total))
            _noted.Add(() => PipeLog.Grown(_logger, this, PipeDefaults.GrownCapacity));
        return total;
    }

    private void FlushNeedsLock()
    {
        try
        {
            if (_sink.Flush())
                return;
            if (_closeWhenPaused)
            {
                EndNeedsLock(null);
                return;
            }
            _state = State.Paused;
            _registration!.Modify(0);
        }
        catch (Exception e)
        {
            EndNeedsLock(e);
        }
    }

    private void ResumeNeedsLock()
    {
        try
        {
            if (!_sink.Flush())
                return;
            _hasUnflushed = false;
            _state = State.Reading;
            _registration!.Modify(Readable);
        }
        catch (Exception e)
        {
            EndNeedsLock(e);
        }
    }

    private void EndByErrorNeedsLock(PosixResult read)
    {
        if (read.Errno == EIO)
        {
            // A terminal's other side has hung up (tty_ioctl(4)).
            _noted.Add(() => PipeLog.HungUp(_logger, this));
            EndNeedsLock(null);
            return;
        }
        IOException error = PosixError.ToException(read, $"read from {_owner.Describe(this)}");
        _noted.Add(() => PipeLog.ReadFailed(_logger, error, this));
        EndNeedsLock(error);
    }

    private void EndNeedsLock(Exception? error)
    {
        Failure = error;
        _borrower = null;
        _state = State.Ended;
        _registration?.Dispose();
        _end.Close();
        _growth.Return();
        try
        {
            _sink.Complete(error);
        }
        catch (Exception e)
        {
            _noted.AddLostAwaiter(_loop, this, e);
        }
        if (_isSecondLookDue)
            _secondLook!.Dispose();
    }
}
