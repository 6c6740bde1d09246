using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

/// <summary>
/// Writes to a pipe, FIFO, stream socket, terminal or other character device on an event loop (asyncio: <c>connect_write_pipe</c>).
/// Every member may be used from any thread; <see cref="Output"/> is for one writer at a time.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class WritePipe : IAsyncDisposable
{
    /// <summary>How often a FIFO is asked for a reader: opening it is the only way to ask (fifo(7), ENXIO).</summary>
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(1), LongestLook = TimeSpan.FromMilliseconds(50);

    private readonly UnixEventLoop _loop;
    private readonly PipeLife _life;
    private readonly IWritePump _pump;
    private readonly PumpedPipeWriter _writer;
    private readonly LossNotice _lossNotice;
    private readonly TimeSpan _closeTimeout;
    private readonly ILogger _logger;

    private WritePipe(UnixEventLoop loop, OwnStream stream, string name, WritePipeOptions options)
    {
        _loop = loop;
        _logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger<WritePipe>());
        _closeTimeout = options.CloseTimeout;
        var flow = PipeOptionRules.Check(options);
        _life = new PipeLife(loop, name, flow.IsOnLoop(loop), _logger);
        _pump = stream.OnThread || stream.End.IsFile
            ? new BlockingWritePump(loop, stream.End, stream.OnThread, _life, _logger, flow)
            : new WritePump(loop, stream.End, _life, _logger, flow);
        if (stream.ReasonForThread is { } reason)
            PipeLog.OnThread(_logger, _pump, reason);
        _lossNotice = new LossNotice(_life, _pump);
        _writer = new PumpedPipeWriter(_pump, this, _logger, _lossNotice);
    }

    /// <summary>
    /// Takes the bytes. A flush with nothing queued writes at once, on its own thread; it waits while more than
    /// <see cref="WritePipeOptions.HighWaterMark"/> is queued. Completing it closes the descriptor when the queue is written.
    /// </summary>
    /// <remarks>
    /// The peer's close is noticed without a write. With bytes queued flushes then throw an <see cref="IOException"/> (EPIPE), with
    /// none they return <see cref="FlushResult.IsCompleted"/>. From the fifth write after an error, the sixth after a plain close,
    /// each is a warning in the log (event 1345).
    /// </remarks>
    public PipeWriter Output => _writer;

    /// <summary>
    /// Ends, once, when the descriptor is closed: successfully when all was written, also if the peer closed first; with the error
    /// if a write failed, with the reason of an <see cref="Abort"/>, or with <see cref="ObjectDisposedException"/> if the loop ended first.
    /// </summary>
    public Task Completion => _life.Ended;

    /// <summary>A new pipe (pipe(7)), whose read end is for somebody else: a child's <see cref="SubprocessStartInfo.Descriptors"/>, a thread.</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; writes on its thread what the pipe does not take at once.</param>
    /// <param name="readEnd">The caller's: blocking, close-on-exec. To be closed when it has been given away, or its reader's end goes unnoticed.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">No descriptor could be had; the message names the errno (pipe(2)).</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static WritePipe Create(IUnixEventLoop loop, out SafeFileHandle readEnd, WritePipeOptions? options = null)
    {
        (UnixEventLoop unixLoop, WritePipeOptions checkedOptions) = Check(loop, options);
        PosixError.ThrowIfError(Libc.Pipe(out int theirs, out int ours), "pipe2");
        readEnd = new SafeFileHandle(theirs, ownsHandle: true); // made here, and given away
        try
        {
            return Start(unixLoop, new PipeEnd(new UnixHandle(ours), PipeEndKind.Pipe), "pipe", checkedOptions);
        }
        catch
        {
            readEnd.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes to a descriptor. Once it has been validated it is the pipe's, also if what follows fails: nobody else may write or
    /// close it. O_NONBLOCK is then set on its description, which duplicates share; a socket's stays as it is.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; writes on its thread what the descriptor does not take at once.</param>
    /// <param name="handle">A pipe, FIFO, connected stream socket or character device that is open for writing; not descriptor 0, 1 or 2.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The descriptor can't be written so, or an option is out of its range; the message says why.</exception>
    /// <exception cref="IOException">The system refused; the message names the call and the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static WritePipe FromHandle(IUnixEventLoop loop, SafeHandle handle, WritePipeOptions? options = null)
    {
        (UnixEventLoop unixLoop, WritePipeOptions checkedOptions) = Check(loop, options);
        PipeEnd end = PipeInspection.InspectHandle(handle, PipeUse.Write, nameof(OpenStandardOutput));
        return Start(unixLoop, end, end.ToName(), checkedOptions);
    }

    /// <summary>
    /// Opens a FIFO, terminal or other character device to write. A FIFO is waited for until it has a reader: nobody tells of one
    /// (fifo(7)), so that it is looked for again and again, every 50 ms in the end.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; writes on its thread what the descriptor does not take at once.</param>
    /// <param name="path">Links are followed.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Ends the wait; nothing is left open.</param>
    /// <exception cref="ArgumentException">There is something else, such as a regular file, or an option is out of its range.</exception>
    /// <exception cref="IOException">open(2) failed; the message names the path and the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/>.</exception>
    public static Task<WritePipe> OpenAsync(IUnixEventLoop loop, string path, WritePipeOptions? options = null, CancellationToken cancellationToken = default)
    {
        PipePaths.Check(path);
        (UnixEventLoop unixLoop, WritePipeOptions checkedOptions) = Check(loop, options);
        return OpenWhenReadAsync(unixLoop, path, checkedOptions, cancellationToken);
    }

    /// <summary>
    /// Our own standard output, written without ever holding up a thread of ours. The descriptor stays as it is, and open; its
    /// flags, which other processes share, are not touched.
    /// </summary>
    /// <remarks>
    /// A pipe, FIFO or terminal is opened anew (/proc/self/fd); where that is forbidden, a background thread waits for it, at most
    /// 4,096 bytes at a time. A regular file and /dev/null are written on the thread pool. Dispose before the process ends: what is
    /// queued is lost with it.
    /// </remarks>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; its end is the pipe's.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">It can't be written: it is open for reading alone, say.</exception>
    /// <exception cref="IOException">It is closed (EBADF), or the system refused; the message names the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static WritePipe OpenStandardOutput(IUnixEventLoop loop, WritePipeOptions? options = null) =>
        OpenOwn(loop, 1, "standard output", options);

    /// <summary>Our own standard error; see <see cref="OpenStandardOutput"/>.</summary>
    /// <inheritdoc cref="OpenStandardOutput"/>
    public static WritePipe OpenStandardError(IUnixEventLoop loop, WritePipeOptions? options = null) =>
        OpenOwn(loop, 2, "standard error", options);

    /// <summary>Closes the descriptor now and drops what is queued (asyncio: <c>abort</c>); nothing happens if it is closed.</summary>
    /// <param name="reason">What flushes and <see cref="Completion"/> throw; null looks like a plain close.</param>
    public void Abort(Exception? reason = null)
    {
        _lossNotice.Dispose();
        _pump.Close(reason);
    }

    /// <summary>
    /// Completes <see cref="Output"/> and waits until what is queued is written and the descriptor closed, for at most
    /// <see cref="WritePipeOptions.CloseTimeout"/>; what is then left is dropped, with a warning. A copy to it that is under way ends with
    /// <see cref="ObjectDisposedException"/>. Does not throw what writing failed with: <see cref="Completion"/> does.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _writer.CompleteForDisposal(new ObjectDisposedException(nameof(WritePipe), $"{_pump} was disposed while it was written."));
        if (Completion.IsCompleted)
            return;
        // Apart from Completion, which faults.
        Task ended = Completion.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await ended.WaitAsync(_closeTimeout, _loop.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!_pump.IsEnded)
        {
            PipeLog.CloseTimedOut(_logger, _pump, _writer.QueuedBytes, _closeTimeout);
            Abort(new TimeoutException($"What was queued for {this} was not written within {_closeTimeout}."));
        }
        catch (TimeoutException)
        {
            // It ended meanwhile.
        }
    }

    /// <summary>"WritePipe: standard output (descriptor 12, Waiting), 0 bytes queued"; from any thread, also when it is closed.</summary>
    public override string ToString() => $"{nameof(WritePipe)}: {_pump}, {_writer.QueuedBytes} bytes queued";

    private static async Task<WritePipe> OpenWhenReadAsync(UnixEventLoop loop, string path, WritePipeOptions options, CancellationToken cancellationToken)
    {
        for (TimeSpan pause = FirstLook; ; pause = pause * 2 < LongestLook ? pause * 2 : LongestLook)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(loop.HasEnded, loop);
            PosixResult opened = Libc.Open(path, O_WRONLY | O_NONBLOCK);
            if (opened.IsSuccess)
                return Start(loop, new OwnStream(PipePaths.Inspect(opened.IntValue, path, PipeUse.Write)), $"'{path}'", options, isOurs: true);
            if (opened.Errno != ENXIO || Libc.FileType(path) is not { IsSuccess: true, IntValue: Libc.Fifo })
                throw PipePaths.OpenFailed(opened, path, PipeUse.Write);
            await Task.Delay(pause, loop.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private static WritePipe OpenOwn(IUnixEventLoop loop, int number, string name, WritePipeOptions? options)
    {
        (UnixEventLoop unixLoop, WritePipeOptions checkedOptions) = Check(loop, options);
        return Start(unixLoop, OwnStream.Open(number, PipeUse.Write, name), name, checkedOptions, isOurs: false);
    }

    private static (UnixEventLoop Loop, WritePipeOptions Options) Check(IUnixEventLoop loop, WritePipeOptions? options)
    {
        options ??= new WritePipeOptions();
        PipeOptionRules.Check(options);
        return (PipeOptionRules.LoopOf(loop), options);
    }

    private static WritePipe Start(UnixEventLoop loop, PipeEnd end, string name, WritePipeOptions options) =>
        Start(loop, new OwnStream(end), name, options, isOurs: true);

    private static WritePipe Start(UnixEventLoop loop, OwnStream stream, string name, WritePipeOptions options, bool isOurs)
    {
        WritePipe? pipe = null;
        try
        {
            if (isOurs)
                PipeInspection.MakeNonBlocking(stream.End, name);
            pipe = new WritePipe(loop, stream, name, options);
            pipe._pump.Start();
            return pipe;
        }
        catch
        {
            pipe?._lossNotice.Dispose();
            stream.End.Close();
            throw;
        }
    }
}
