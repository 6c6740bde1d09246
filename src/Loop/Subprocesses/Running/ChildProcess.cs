using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

// Constraints
//  - The child must be reaped and its pipes closed whatever becomes of the handle: this object is what the watcher and the
//    selector hold, and it does not hold the handle (but while somebody waits through it).
//  - A pid, and a group's id, may be signalled only before the reap: afterwards they may be somebody else's.
//  - An exit never cuts off output: a child's own ends are closed before its exit is told (exit(2)), so what it wrote is in the
//    pipe by then, and is read at once. What stays open is held by another process.
// Scheme
//  - One lock guards the state. Signals are sent under it; the watcher enters Exiting under it before it reaps, or reaps under
//    it and enters Exiting then, where nothing has to happen in between (ChildProcess.Reap.cs).
//
//   state     event       next     signals
//   Running   OnExiting   Exiting  sent
//   Running   OnExited    Exited   (reaped by somebody else)
//   Exiting   OnExited    Exited   none: it is dead; its group's last one is sent on entering
//   Exited                         none
internal sealed partial class ChildProcess : IChildExitHandler, IReapGuard, IPumpOwner, IStoppable, ILeftAlone
{
    private readonly Lock _gate = new();
    private readonly SubprocessServices _services;
    private readonly IChildConsumer _consumer;
    private readonly UnixHandle? _pidfd;
    private readonly UnixHandle? _terminal;
    private readonly ChildCgroup? _cgroup;
    private readonly bool _leadsGroup;
    private readonly bool _isTerminalJob;
    private readonly long _startedAt;

    // Guarded by _gate.
    private volatile State _state;
    private ChildExitStatus _exit;
    private TaskCompletionSource<ChildExitStatus>? _exited;
    private object? _awaitedHandle;
    private bool _isAbandoned;
    private ForegroundJob? _job;

    private int _openOutputs;

    internal ChildProcess(SubprocessServices services, IChildConsumer consumer, string fileName, SpawnedChild spawned, long startedAt)
    {
        _services = services;
        _consumer = consumer;
        _startedAt = startedAt;
        _pidfd = spawned.Pidfd;
        _terminal = spawned.Terminal;
        _cgroup = spawned.Cgroup;
        _leadsGroup = spawned.LeadsGroup && spawned.Pid > 1;
        _isTerminalJob = spawned.IsTerminalJob;
        FileName = fileName;
        Id = spawned.Pid;
    }

    private enum State
    {
        Running,
        Exiting,
        Exited,
    }

    internal int Id { get; }

    internal string FileName { get; }

    /// <summary>Whether it was started to be left alone.</summary>
    public bool IsLeftAlone => ReferenceEquals(_consumer, DetachedConsumer.Instance);

    /// <summary>Whether its group may be signalled: we made it.</summary>
    internal bool LeadsGroup => _leadsGroup;

    /// <summary>Whether its last signal goes to a control group of its own as well.</summary>
    internal bool HasCgroup => _cgroup is not null;

    internal IPump? Input { get; private set; }

    /// <summary>What kept input from being written, other than a child that stopped reading.</summary>
    internal Exception? InputError
    {
        get
        {
            Exception? error = Input is BytesPump block ? block.Failure : (Input as WritePump)?.Error;
            return error is IOException { HResult: var errno } && errno == EPIPE ? null : error;
        }
    }

    internal ReadPump? Output { get; private set; }

    internal ReadPump? Error { get; private set; }

    public bool HasExited => _state == State.Exited;

    /// <summary>Output streams that have not reached their end.</summary>
    internal int OpenOutputs => Volatile.Read(ref _openOutputs);

    // Links of LiveChildren, guarded by it.
    internal ChildProcess? Next { get; set; }

    internal ChildProcess? Previous { get; set; }

    internal ChildExitStatus? ExitStatus
    {
        get
        {
            if (_state != State.Exited)
                return null;
            lock (_gate)
                return _exit;
        }
    }

    /// <summary>Ends when the child has been reaped.</summary>
    internal Task<ChildExitStatus> Exited
    {
        get
        {
            lock (_gate)
                return ExitedNeedsLock;
        }
    }

    private Task<ChildExitStatus> ExitedNeedsLock
    {
        get
        {
            if (_exited is null)
            {
                _exited = new TaskCompletionSource<ChildExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
                if (_state == State.Exited)
                    _exited.SetResult(_exit);
            }
            return _exited.Task;
        }
    }

    /// <summary>
    /// Asks the consumer who reads and writes what. Where that throws, the ends that nobody has taken are closed, and
    /// <see cref="DestroyAsync"/> must follow.
    /// </summary>
    /// <param name="spawned">What this was made from.</param>
    /// <param name="grow">Whether pipes that are read fast become larger.</param>
    internal void OpenStreams(SpawnedChild spawned, bool grow)
    {
        try
        {
            Input = spawned.InputWriteEnd is { } input ? _consumer.OpenInput(input, this) : null;
            Output = OpenOutput(spawned.OutputReadEnd, isError: false, grow);
            Error = OpenOutput(spawned.ErrorReadEnd, isError: true, grow);
        }
        catch
        {
            _isUnwatched = true;
            if (Input is null)
                spawned.InputWriteEnd?.Dispose();
            if (Output is null)
                spawned.OutputReadEnd?.Dispose();
            spawned.ErrorReadEnd?.Dispose();
            throw;
        }
    }

    /// <summary>Registers the pipes, then the child: an exit finds its pipes in place.</summary>
    /// <exception cref="IOException">A pipe could not be registered; the child is watched.</exception>
    /// <exception cref="InvalidOperationException">The watcher is no longer active, or the loop has ended: <see cref="DestroyAsync"/> must follow.</exception>
    internal void Begin()
    {
        if (_isTerminalJob)
            _job = ForegroundJob.Begin(Id, _pidfd, _services.Logger);
        try
        {
            if (!TryStartOutputsLater())
            {
                Output?.Start();
                Error?.Start();
            }
            Input?.Start();
        }
        finally
        {
            Watch();
        }
    }

    /// <summary>The exit of a child whose handle is awaited counts as in use.</summary>
    internal void HoldUntilExit(object handle)
    {
        lock (_gate)
        {
            if (_state != State.Exited)
                _awaitedHandle = handle;
        }
    }

    public void OnExiting(int pid)
    {
        lock (_gate)
        {
            if (_state == State.Exited)
                return;
            _state = State.Exiting;
            if (_killGroupAtExit)
                SweepGroupNeedsLock();
        }
        _job?.End();
    }

    public void OnExited(int pid, in ChildExitStatus status)
    {
        ChildExitStatus exit = status with { RunTime = _services.Loop.Clock.GetElapsedTime(_startedAt) };
        TaskCompletionSource<ChildExitStatus>? exited;
        StopLadder? ladder;
        lock (_gate)
        {
            if (_state == State.Exited)
                return;
            _state = State.Exited;
            _exit = exit;
            exited = _exited;
            ladder = _ladder;
            _awaitedHandle = null;
        }
        _job?.End(); // OnExiting is left out where somebody else has reaped the child
        _terminal?.Dispose(); // now its output may end (linux.md, rule 22)
        _cgroup?.Dispose();
        DrainOutputs(exit.RunTime);
        if (_isAbandoned)
            CloseStreams(null);
        _pidfd?.Dispose();
        _services.Live.Remove(this);
        _services.Metrics.Exited(exit);
        SubprocessLog.Exited(_services.Logger, FileName, Id, exit);

        _consumer.OnExited(this);
        exited?.TrySetResult(exit);
        ladder?.End(exit);
    }

    public string Describe(IPump pump) =>
        $"{(ReferenceEquals(pump, Input) ? "standard input" : ReferenceEquals(pump, Output) ? "standard output" : "standard error")} of '{FileName}' (pid {Id})";

    public void OnEnded(IPump pump)
    {
        if (ReferenceEquals(pump, Input))
            return;
        Interlocked.Decrement(ref _openOutputs);
        _consumer.OnOutputEnded(this);
    }

    internal void CloseStreams(Exception? error)
    {
        Input?.Close(error);
        Output?.Close(error);
        Error?.Close(error);
    }

    internal void CloseOutputs()
    {
        Output?.Close(null);
        Error?.Close(null);
    }

    public override string ToString() => ExitStatus is { } exit ? $"'{FileName}' (pid {Id}, {exit})" : $"'{FileName}' (pid {Id}, running)";

    private ReadPump? OpenOutput(UnixHandle? readEnd, bool isError, bool grow)
    {
        if (readEnd is null)
            return null;
        var pump = new ReadPump(
            _services.Loop, readEnd, _consumer.OpenOutput(isError), this, grow ? _services.Budget : null, _services.Logger);
        _openOutputs++;
        return pump;
    }
}
