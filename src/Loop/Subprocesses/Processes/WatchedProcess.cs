using System.Diagnostics;
using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

// Constraints
//  - Not ours to reap: waitid(2) may only look (WNOWAIT), and knows our own children alone.
//  - The pidfd is readable as soon as the process is a zombie; the kernel tells its status (PIDFD_INFO_EXIT) only once somebody
//    has reaped it, which is another event (EPOLLHUP) moments later, or never.
// Scheme: the first event without a status waits for the second for a moment.
//
//   state      event                              next
//   Watching   readable, status known             Exited
//   Watching   readable, status not yet known     Watching, and the patience begins
//   Watching   hung up, or the patience is over   Exited
//   Watching   Dispose, loop's end                Released
[DebuggerDisplay("{ToString(),nq}")]
internal sealed class WatchedProcess : IWatchedProcess, IReadyHandler
{
    /// <summary>From death to reap, for a parent that waits on a loaded machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly UnixEventLoop _loop;
    private readonly UnixHandle _pidfd;

    // Guarded by _gate.
    private SelectorRegistration? _registration;
    private IDisposable? _patience;
    private State _state;
    private ChildExitStatus _exit;
    private TaskCompletionSource<ChildExitStatus>? _exited;

    private WatchedProcess(UnixEventLoop loop, int pid, UnixHandle pidfd)
    {
        _loop = loop;
        _pidfd = pidfd;
        Id = pid;
    }

    private enum State
    {
        Watching,
        Exited,
        Released,
    }

    public int Id { get; }

    /// <exception cref="ArgumentException">There is no such process.</exception>
    /// <exception cref="PlatformNotSupportedException">No pidfds here.</exception>
    /// <exception cref="IOException">pidfd_open(2) or epoll_ctl(2) failed.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    internal static WatchedProcess Open(UnixEventLoop loop, int processId)
    {
        PosixResult opened = Libc.PidfdOpen(processId);
        if (opened.IsError)
            throw NotOpened(opened, processId);
        var process = new WatchedProcess(loop, processId, new UnixHandle(opened.IntValue));
        try
        {
            lock (process._gate) // an event that comes before the assignment waits
                process._registration = loop.Selector.Register(process._pidfd, unchecked((uint)(EPOLLIN | EPOLLET)), process);
            return process;
        }
        catch
        {
            process._pidfd.Dispose();
            throw;
        }
    }

    public Task<ChildExitStatus> WaitForExitAsync(CancellationToken cancellationToken = default)
    {
        Task<ChildExitStatus> exited;
        lock (_gate)
        {
            if (_state == State.Exited)
                return Task.FromResult(_exit);
            ObjectDisposedException.ThrowIf(_state == State.Released, this);
            exited = (_exited ??= new TaskCompletionSource<ChildExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        return cancellationToken.CanBeCanceled ? exited.WaitAsync(cancellationToken) : exited;
    }

    public bool Signal(UnixSignal signal)
    {
        SentSignal.ThrowIfNone(signal);
        PosixResult sent;
        lock (_gate)
        {
            if (_state == State.Exited)
                return false;
            ObjectDisposedException.ThrowIf(_state == State.Released, this);
            sent = Libc.PidfdSendSignal(_pidfd.Descriptor, signal.Number);
        }
        return SentSignal.ThrowOrTell(sent, signal, this);
    }

    public void Dispose() => Release(nameof(IWatchedProcess), "was disposed before it ended");

    public void OnReady(uint events) => LookNow(isLast: (events & (uint)EPOLLHUP) != 0);

    public void OnLoopEnded() => Release(nameof(UnixEventLoop), "still ran when the loop ended");

    public override string ToString() => _state switch
    {
        State.Exited => $"process {Id} ({_exit})",
        State.Released => $"process {Id} (let go of)",
        _ => $"process {Id}",
    };

    private void LookNow(bool isLast)
    {
        TaskCompletionSource<ChildExitStatus>? exited;
        lock (_gate)
        {
            if (_state != State.Watching)
                return;
            bool isKnown = AskNeedsLock(out ChildExitStatus exit);
            if (!isKnown && !isLast)
            {
                BePatientNeedsLock();
                return;
            }
            _exit = exit;
            _state = State.Exited;
            exited = _exited;
            LetGoNeedsLock();
        }
        exited?.TrySetResult(_exit);
    }

    /// <summary>False if the status may become known in a moment.</summary>
    private unsafe bool AskNeedsLock(out ChildExitStatus exit)
    {
        exit = new ChildExitStatus { Kind = ChildExitKind.Unknown };
        Libc.siginfo_t info = default;
        PosixResult looked = Libc.WaitId(Libc.P_PIDFD, _pidfd.Descriptor, &info, Libc.WEXITED | Libc.WNOHANG | Libc.WNOWAIT, usage: null);
        if (looked.IsSuccess && info.si_pid != 0)
        {
            exit = ChildStatusWord.Decode(ChildStatusWord.From(info.si_code, info.si_status));
            return true;
        }
        if (looked.IsSuccess)
            return false; // a child of ours whose tracer has not let go yet
        PidfdExitAnswer answer = PidfdExitInfo.Ask(_pidfd.Descriptor, out int word);
        if (answer == PidfdExitAnswer.Known)
            exit = ChildStatusWord.Decode(word);
        return answer != PidfdExitAnswer.NotYet;
    }

    private void BePatientNeedsLock()
    {
        try
        {
            _patience ??= _loop.Schedule(Patience, () => LookNow(isLast: true));
        }
        catch (ObjectDisposedException)
        {
            // The loop is ending: OnLoopEnded follows.
        }
    }

    private void Release(string who, string what)
    {
        TaskCompletionSource<ChildExitStatus>? exited;
        lock (_gate)
        {
            if (_state != State.Watching)
                return;
            _state = State.Released;
            exited = _exited;
            LetGoNeedsLock();
        }
        exited?.TrySetException(new ObjectDisposedException(who, $"Process {Id} {what}."));
    }

    private void LetGoNeedsLock()
    {
        _patience?.Dispose();
        _registration?.Dispose();
        _pidfd.Dispose();
    }

    private static Exception NotOpened(PosixResult opened, int processId)
    {
        int errno = opened.Errno;
        string name = PosixError.Name(errno);
        if (errno == ESRCH)
            return new ArgumentException($"{name}: there is no process {processId}.", nameof(processId));
        if (errno == EINVAL || errno == ENOENT) // pidfd_open(2); the latter from Linux 6.15 on
            return new ArgumentException($"{name}: {processId} is a thread of a process, not a process.", nameof(processId));
        if (errno == ENOSYS || errno == EPERM)
            return new PlatformNotSupportedException($"{name}: pidfd_open: process {processId} can't be watched: {(errno == EPERM ? "pidfds are forbidden here, as by a seccomp filter" : "pidfds need Linux 5.3 or later")}.");
        return PosixError.ToException(opened, $"pidfd_open for process {processId}");
    }
}
