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
/// Reads a pipe, FIFO, stream socket, terminal or other character device on an event loop (asyncio: <c>connect_read_pipe</c>).
/// Every member may be used from any thread; <see cref="Input"/> is for one reader at a time.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class ReadPipe : IAsyncDisposable
{
    private readonly PipeLife _life;
    private readonly IPump _pump;
    private readonly PumpedPipeReader _reader;
    private readonly LossNotice _lossNotice;

    private ReadPipe(UnixEventLoop loop, OwnStream stream, string name, ReadPipeOptions options, bool isOurs)
    {
        ILogger logger = new ForgivingLogger(loop.LoggerFactory.CreateLogger<ReadPipe>());
        var flow = PipeOptionRules.Check(options);
        _life = new PipeLife(loop, name, flow.IsOnLoop(loop), logger);
        PipeReader bytes;
        if (stream.OnThread || stream.End.IsFile)
        {
            var pump = new BlockingReadPump(loop, stream.End, stream.OnThread, _life, logger, flow);
            (_pump, bytes) = (pump, pump.Reader);
            if (stream.ReasonForThread is { } reason)
                PipeLog.OnThread(logger, pump, reason);
        }
        else
        {
            var sink = new PipeReadSink(loop, flow);
            PipeBudget? budget = isOurs && stream.End.IsPipe ? PipeBudget.Shared : null;
            (_pump, bytes) = (new ReadPump(loop, stream.End, sink, _life, budget, logger), sink.Reader);
        }
        _lossNotice = new LossNotice(_life, _pump);
        _reader = new PumpedPipeReader(bytes, _pump, this);
    }

    /// <summary>
    /// The bytes. They end when the last writer has gone, at a terminal's end of file, and when it hangs up. Completing it closes
    /// the descriptor at once: writers get EPIPE. A read can be cancelled by its token without loss.
    /// </summary>
    public PipeReader Input => _reader;

    /// <summary>
    /// Ends, once, when the descriptor is closed: successfully after the end of file and after a close; with the error if reading
    /// failed, or with <see cref="ObjectDisposedException"/> if the loop ended first. What was read before is still in <see cref="Input"/>.
    /// </summary>
    public Task Completion => _life.Ended;

    /// <summary>A new pipe (pipe(7)), whose write end is for somebody else: a child's <see cref="SubprocessStartInfo.Descriptors"/>, a thread.</summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; reads on its thread.</param>
    /// <param name="writeEnd">The caller's: blocking, close-on-exec. To be closed when it has been given away, or no end of file comes.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or does not fit.</exception>
    /// <exception cref="IOException">No descriptor could be had; the message names the errno (pipe(2)).</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static ReadPipe Create(IUnixEventLoop loop, out SafeFileHandle writeEnd, ReadPipeOptions? options = null)
    {
        (UnixEventLoop unixLoop, ReadPipeOptions checkedOptions) = Check(loop, options, forPath: false);
        PosixError.ThrowIfError(Libc.Pipe(out int ours, out int theirs), "pipe2");
        writeEnd = new SafeFileHandle(theirs, ownsHandle: true); // made here, and given away
        try
        {
            return Start(unixLoop, new PipeEnd(new UnixHandle(ours), PipeEndKind.Pipe), "pipe", checkedOptions);
        }
        catch
        {
            writeEnd.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads from a descriptor. Once it has been validated it is the pipe's, also if what follows fails: nobody else may read or
    /// close it. O_NONBLOCK is then set on its description, which duplicates share; a socket's stays as it is.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; reads on its thread.</param>
    /// <param name="handle">A pipe, FIFO, connected stream socket or character device that is open for reading; not descriptor 0, 1 or 2.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">The descriptor can't be read so, or an option is out of its range; the message says why.</exception>
    /// <exception cref="IOException">The system refused; the message names the call and the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static ReadPipe FromHandle(IUnixEventLoop loop, SafeHandle handle, ReadPipeOptions? options = null)
    {
        (UnixEventLoop unixLoop, ReadPipeOptions checkedOptions) = Check(loop, options, forPath: false);
        PipeEnd end = PipeInspection.InspectHandle(handle, PipeUse.Read, nameof(OpenStandardInput));
        return Start(unixLoop, end, end.ToName(), checkedOptions);
    }

    /// <summary>
    /// Opens a FIFO, terminal or other character device to read, without waiting. A FIFO need not have a writer yet: its end comes
    /// when the last one has gone, or never with <see cref="ReadPipeOptions.SurvivesWriters"/>.
    /// </summary>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; reads on its thread.</param>
    /// <param name="path">Links are followed.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">There is something else, such as a regular file, or an option is out of its range.</exception>
    /// <exception cref="IOException">open(2) failed; the message names the path and the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static ReadPipe Open(IUnixEventLoop loop, string path, ReadPipeOptions? options = null)
    {
        PipePaths.Check(path);
        (UnixEventLoop unixLoop, ReadPipeOptions checkedOptions) = Check(loop, options, forPath: true);
        int mode = checkedOptions.SurvivesWriters ? O_RDWR : O_RDONLY;
        PosixResult opened = Libc.Open(path, mode | O_NONBLOCK);
        if (opened.IsError)
            throw PipePaths.OpenFailed(opened, path, PipeUse.Read);
        PipeEnd end = PipePaths.Inspect(opened.IntValue, path, PipeUse.Read);
        if (checkedOptions.SurvivesWriters && !end.IsPipe)
        {
            end.Close();
            throw new ArgumentException($"{nameof(ReadPipeOptions.SurvivesWriters)} is for a FIFO; '{path}' is none.", nameof(options));
        }
        return Start(unixLoop, end, $"'{path}'", checkedOptions);
    }

    /// <summary>
    /// Our own standard input, read so that a wait for it can be cancelled. The descriptor stays as it is, and open; its flags,
    /// which other processes share, are not touched. Reading it by <see cref="Console"/> as well divides the bytes by chance.
    /// </summary>
    /// <remarks>
    /// A pipe, FIFO or terminal is opened anew (/proc/self/fd); where that is forbidden, a background thread waits for it, at most
    /// 4,096 bytes at a time. A regular file and /dev/null are read on the thread pool, from where their offset is.
    /// </remarks>
    /// <param name="loop">A <see cref="UnixEventLoop"/>; its end is the pipe's.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or does not fit.</exception>
    /// <exception cref="InvalidOperationException">Standard input can't be read: it is a directory, say, or open for writing alone.</exception>
    /// <exception cref="IOException">It is closed (EBADF), or the system refused; the message names the errno.</exception>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    public static ReadPipe OpenStandardInput(IUnixEventLoop loop, ReadPipeOptions? options = null)
    {
        (UnixEventLoop unixLoop, ReadPipeOptions checkedOptions) = Check(loop, options, forPath: false);
        return Start(unixLoop, OwnStream.Open(0, PipeUse.Read, "standard input"), "standard input", checkedOptions, isOurs: false);
    }

    /// <summary>Closes the descriptor, if it is open, and completes <see cref="Input"/>; again is harmless.</summary>
    public ValueTask DisposeAsync()
    {
        _lossNotice.Dispose();
        _reader.Complete();
        return ValueTask.CompletedTask;
    }

    /// <summary>"ReadPipe: standard input (descriptor 12, Reading)"; from any thread, also when it is closed.</summary>
    public override string ToString() => $"{nameof(ReadPipe)}: {_pump}";

    private static (UnixEventLoop Loop, ReadPipeOptions Options) Check(IUnixEventLoop loop, ReadPipeOptions? options, bool forPath)
    {
        options ??= new ReadPipeOptions();
        PipeOptionRules.Check(options);
        if (options.SurvivesWriters && !forPath)
            throw new ArgumentException($"{nameof(ReadPipeOptions.SurvivesWriters)} is for a FIFO that {nameof(Open)} opens.", nameof(options));
        return (PipeOptionRules.LoopOf(loop), options);
    }

    private static ReadPipe Start(UnixEventLoop loop, PipeEnd end, string name, ReadPipeOptions options) =>
        Start(loop, new OwnStream(end), name, options, isOurs: true);

    private static ReadPipe Start(UnixEventLoop loop, OwnStream stream, string name, ReadPipeOptions options, bool isOurs)
    {
        ReadPipe? pipe = null;
        try
        {
            if (isOurs)
                PipeInspection.MakeNonBlocking(stream.End, name);
            pipe = new ReadPipe(loop, stream, name, options, isOurs);
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
