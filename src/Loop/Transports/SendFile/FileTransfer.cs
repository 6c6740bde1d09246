using System.Buffers;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.SendFile;

// Constraints
//  - The loop must never wait for a disk, and one file must not starve the other connections (linux.md, rule 29).
//  - sendfile(2) says EAGAIN for a full socket; a file that has to be read from the disk makes it wait instead.
//  - Only what the socket took has been sent: the file's position is told by that, also where bytes were read and not yet written.
//  - A thread of the pool may be inside a call for as long as a disk takes; a cancel or the connection's end must wait for it,
//    or the position would be wrong and the descriptor in use.
// Scheme
//  - While the transfer has the output, the connection hands it EPOLLOUT, level-triggered: a call for each turn of the loop.
//  - What isn't in the page cache is sent by the pool, and so is every block that is read and written (the fallback).
//  - Exactly one thread works at a time (Working); whoever wants to stop it meanwhile leaves the reason for it.
//
//   state     event                                     next state
//   Created   RunAsync                                  Working
//   Waiting   EPOLLOUT                                  Working
//   Reading   the special file is readable              Working (on the pool)
//   Working   socket full, or the turn's share is sent  Waiting
//   Working   a disk or a read is needed                Working (on the pool), Reading
//   any       all sent, end of file, error, cancel, connection's end   Ended
internal sealed class FileTransfer : IOutputOperation, IThreadPoolWorkItem
{
    /// <summary>What one turn may send.</summary>
    internal const int BytesPerTurn = 256 * 1024;

    /// <summary>What the fallback reads at once.</summary>
    private const int BlockBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<long> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IOperableOutput _output;
    private readonly SentFile _file;
    private readonly bool _allowsFallback;
    private readonly bool _isToEnd;

    // Of the thread that works.
    private PageCache _cache;
    private bool _copies;
    private byte[]? _block;
    private ReadOnlyMemory<byte> _unsent;
    private bool _awaitedFile;

    /// <summary>What the output ends with; an error of the file, which may be a socket too, is none.</summary>
    private IOException? _outputFailure;
    private long _offset;
    private long _left;

    /// <summary>The file's, when it was last asked for; 0 before.</summary>
    private long _length;

    // Guarded by _gate.
    private State _state;
    private Exception? _stop;
    private IDisposable? _fileWatch;
    private CancellationTokenRegistration _cancellation;

    /// <param name="output">Has been given to this transfer by the time of <see cref="RunAsync"/>.</param>
    /// <param name="file">Borrowed until the task ends.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="count">0 for all.</param>
    /// <param name="fallback">Whether the file may be read and written.</param>
    private FileTransfer(IOperableOutput output, SentFile file, long offset, long count, SendFileFallback fallback)
    {
        _output = output;
        _file = file;
        _offset = offset;
        _left = count == 0 ? long.MaxValue - offset : count;
        _isToEnd = count == 0;
        _allowsFallback = fallback == SendFileFallback.Allow;
        _copies = !file.IsRegular;
    }

    private enum State
    {
        Created,
        Waiting,
        Reading,
        Working,
        Ended,
    }

    private enum Step
    {
        /// <summary>The next one is due when the socket has room.</summary>
        AwaitSocket,

        /// <summary>The next one may have to wait for a disk.</summary>
        AwaitPool,

        /// <summary>A file that is no regular one has nothing to read.</summary>
        AwaitFile,

        Done,
    }

    /// <summary>For the refusal of writes.</summary>
    public string Name => $"sending of {_file.Name}";

    /// <summary>How many bytes the socket has taken; to be read when the task has ended.</summary>
    private long Sent { get; set; }

    /// <summary>Sends once the output is free for it, and leaves the file's position where it came to. Disposes <paramref name="file"/>.</summary>
    internal static async Task<long> SendAsync(
        IOperableOutput output, SentFile file, long offset, long count, SendFileFallback fallback, CancellationToken cancellationToken)
    {
        using (file)
        {
            if (!file.IsRegular && fallback == SendFileFallback.Forbid)
                throw NotSupported(file, null);
            var transfer = new FileTransfer(output, file, offset, count, fallback);
            await output.BeginOutputOperationAsync(transfer, cancellationToken).ConfigureAwait(false);
            try
            {
                return await transfer.RunAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                file.SetPosition(offset + transfer.Sent);
            }
        }
    }

    /// <summary>Sends; once. The output is given back when the task ends.</summary>
    private Task<long> RunAsync(CancellationToken cancellationToken)
    {
        CancellationTokenRegistration cancellation = cancellationToken.UnsafeRegister(
            static (transfer, token) => ((FileTransfer)transfer!).Stop(new OperationCanceledException(token)), this);
        lock (_gate)
        {
            _cancellation = cancellation;
            _state = State.Working;
        }
        Work(mayWait: false);
        return _done.Task;
    }

    public void OnWritable()
    {
        lock (_gate)
        {
            if (_state != State.Waiting)
                return;
            _state = State.Working;
        }
        Work(mayWait: false);
    }

    public void OnOutputGone(Exception error) => Stop(error);

    void IThreadPoolWorkItem.Execute() => Work(mayWait: true);

    private void OnFileReadable()
    {
        lock (_gate)
        {
            if (_state != State.Reading)
                return;
            EndFileWatchNeedsLock();
            _state = State.Working;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Stop(Exception reason)
    {
        lock (_gate)
        {
            _stop ??= reason;
            // Who works meets the reason when its call returns; RunAsync meets it after its first step.
            if (_state is State.Created or State.Working or State.Ended)
                return;
            _state = State.Working;
        }
        End(_stop);
    }

    private void Work(bool mayWait)
    {
        Exception? end = Volatile.Read(ref _stop);
        try
        {
            if (end is null)
            {
                Step step = _copies ? Copy(mayWait) : Send(mayWait);
                if (step != Step.Done && TryAwait(step))
                    return;
                end = step == Step.Done ? null : _stop;
            }
        }
        catch (Exception e)
        {
            end = e;
        }
        End(end);
    }

    /// <summary>False if it was stopped meanwhile.</summary>
    private bool TryAwait(Step step)
    {
        lock (_gate)
        {
            if (_stop is not null)
                return false;
            _output.WantWritable(step == Step.AwaitSocket);
            switch (step)
            {
                case Step.AwaitSocket:
                    _state = State.Waiting;
                    break;
                case Step.AwaitFile when TryWatchFileNeedsLock():
                    _state = State.Reading;
                    break;
                default:
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    break;
            }
            return true;
        }
    }

    private Step Send(bool mayWait)
    {
        int count = (int)Math.Min(_left, BytesPerTurn);
        if (!mayWait && !_cache.Has(_file.Descriptor, _offset, count))
            return Step.AwaitPool;
        PosixResult sent = Libc.SendFile(_output.Descriptor, _file.Descriptor, _offset, count);
        if (sent.IsSuccess)
            return sent.Value == 0 ? Step.Done : Count(sent.Value);
        if (sent.Errno == EAGAIN)
            return Step.AwaitSocket;
        if (IsOfSocket(sent))
            throw _outputFailure = Failed(sent, "sendfile");
        if (Sent > 0)
            throw Failed(sent, "sendfile");
        if (!_allowsFallback)
            throw NotSupported(_file, Failed(sent, "sendfile"));
        _copies = true;
        return Step.AwaitPool;
    }

    /// <summary>The fallback: reads a block and writes it. The loop's thread writes only.</summary>
    private Step Copy(bool mayWait)
    {
        if (_unsent.IsEmpty)
        {
            if (!_file.IsRegular && !_awaitedFile)
            {
                _awaitedFile = true;
                return Step.AwaitFile;
            }
            if (!mayWait)
                return Step.AwaitPool;
            _awaitedFile = false;
            _block ??= ArrayPool<byte>.Shared.Rent(BlockBytes);
            PosixResult read = _file.Read(_block.AsSpan(0, (int)Math.Min(_left, BlockBytes)), _offset);
            if (read.Errno == EAGAIN)
                return Step.AwaitFile;
            if (read.IsError)
                throw Failed(read, "read");
            if (read.Value == 0)
                return Step.Done;
            _unsent = _block.AsMemory(0, read.IntValue);
        }
        PosixResult sent = Libc.Send(_output.Descriptor, _unsent.Span);
        if (sent.Errno == EAGAIN)
            return Step.AwaitSocket;
        if (sent.IsError)
            throw IsOfSocket(sent) ? _outputFailure = Failed(sent, "send") : Failed(sent, "send");
        _unsent = _unsent[sent.IntValue..];
        return Count(sent.Value);
    }

    private Step Count(long sent)
    {
        Sent += sent;
        _offset += sent;
        _left -= sent;
        return _left == 0 || IsAtEnd() ? Step.Done : _copies && _unsent.IsEmpty ? Step.AwaitPool : Step.AwaitSocket;
    }

    /// <summary>
    /// Whether nothing is left that another sendfile(2) would find: the peer, who has it all, may close before that. Files that the kernel
    /// makes up have a length of 0, or one that is never reached, and are read to their end.
    /// </summary>
    private bool IsAtEnd()
    {
        if (!_isToEnd || _copies || _offset < _length)
            return false;
        _length = _file.Length;
        return _length > 0 && _offset >= _length;
    }

    /// <summary>False for devices that epoll does not know, such as /dev/zero: they are read at once.</summary>
    private bool TryWatchFileNeedsLock()
    {
        try
        {
            _fileWatch = _output.Loop.WatchReadable(_file.Handle, OnFileReadable);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private void EndFileWatchNeedsLock()
    {
        _fileWatch?.Dispose();
        _fileWatch = null;
    }

    private void End(Exception? error)
    {
        lock (_gate)
        {
            _state = State.Ended;
            EndFileWatchNeedsLock();
        }
        _cancellation.Unregister();
        if (_block is not null)
            ArrayPool<byte>.Shared.Return(_block);
        _output.EndOutputOperation(this, Sent, _outputFailure);
        if (error is OperationCanceledException canceled)
            _done.TrySetCanceled(canceled.CancellationToken);
        else if (error is not null)
            _done.TrySetException(error);
        else
            _done.TrySetResult(Sent);
    }

    private static NotSupportedException NotSupported(SentFile file, Exception? reason) =>
        new($"The kernel can't send {file.Name} by itself{(reason is null ? ": it is no regular file" : $" ({reason.Message})")}, and {nameof(SendFileFallback)}.{nameof(SendFileFallback.Forbid)} allows no other way.", reason);

    private static bool IsOfSocket(PosixResult result) => result.Errno == EPIPE || result.Errno == ECONNRESET || result.Errno == ENOTCONN;

    private IOException Failed(PosixResult result, string call) =>
        PosixError.ToException(result, $"{call} of {_file.Name} to {_output}, after {Sent} bytes");
}
