using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>Connections and pumps logged under their locks: a logger that waited for another thread, which needed that lock, waited for ever.</summary>
public sealed class LoggersThatComeBackTests : LoopTest
{
    private readonly WaitingLoggers _loggers = new();

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = _loggers };

    [Fact]
    public async Task PeerGone_LoggerWaitsForTheDisposal_GetsIt()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        _loggers.Ask("ConnectionPeerGone", connection.DisposeAsync);
        peer.Dispose();
        await Assert.ThrowsAsync<IOException>(() => connection.Output.WriteAsync(new byte[1]).AsTask().WaitAsync(TestTimeout));
        _loggers.AssertAnswered();
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task WriteAfterLoss_LoggerWaitsForTheDisposal_GetsIt()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        _loggers.Ask("ConnectionWriteAfterLoss", connection.DisposeAsync);
        peer.Dispose();
        for (int i = 0; i < 6; i++)
            await Assert.ThrowsAsync<IOException>(() => connection.Output.WriteAsync(new byte[1]).AsTask().WaitAsync(TestTimeout));
        _loggers.AssertAnswered();
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task ReceiveFailed_LoggerWaitsForThePendingRead_GetsIt()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        await connection.Output.WriteAsync(new byte[1]);
        Task read = connection.Input.ReadAsync().AsTask();
        _loggers.Ask("ConnectionPeerGone", () => new ValueTask(read.ContinueWith(static _ => { }, TaskScheduler.Default)));
        peer.Dispose(); // with our byte unread: ECONNRESET
        await Assert.ThrowsAsync<IOException>(() => read.WaitAsync(TestTimeout));
        _loggers.AssertAnswered();
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task ConnectionEnded_LoggerWaitsForThePendingRead_GetsIt()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            Task read = connection.Input.ReadAsync().AsTask();
            _loggers.Ask("ConnectionEnded", () => new ValueTask(read.ContinueWith(static _ => { }, TaskScheduler.Default)));
            connection.Abort();
            await Assert.ThrowsAsync<IOException>(() => read.WaitAsync(TestTimeout));
            _loggers.AssertAnswered();
        }
    }

    [Fact]
    public async Task PipeWriteFailed_LoggerWaitsForTheDisposal_GetsIt()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        _loggers.Ask("PipeWriteFailed", pipe.DisposeAsync);
        Task flush = pipe.Output.WriteAsync(new byte[1 << 20]).AsTask();
        readEnd.Dispose();
        await Assert.ThrowsAsync<IOException>(() => flush.WaitAsync(TestTimeout));
        _loggers.AssertAnswered();
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task PipePeerClosed_LoggerWaitsForTheDisposal_GetsIt()
    {
        WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        _loggers.Ask("PipePeerClosed", pipe.DisposeAsync);
        readEnd.Dispose();
        await pipe.Completion.WaitAsync(TestTimeout);
        _loggers.AssertAnswered();
        await pipe.DisposeAsync();
    }

    [Fact]
    public async Task PipeReadFailed_LoggerWaitsForTheEnd_GetsIt()
    {
        (UnixHandle own, UnixHandle peer) = UnixSockets.ConnectionTest.NewSocketPair();
        PosixError.ThrowIfError(Libc.Send(own.Descriptor, new byte[1]), "send");
        ReadPipe pipe = ReadPipe.FromHandle(Loop, own);
        _loggers.Ask("PipeReadFailed", async () =>
        {
            await pipe.Completion.ContinueWith(static _ => { }, TaskScheduler.Default);
            await pipe.DisposeAsync();
        });
        peer.Dispose(); // with our byte unread: ECONNRESET
        await Assert.ThrowsAsync<IOException>(() => pipe.Completion.WaitAsync(TestTimeout));
        _loggers.AssertAnswered();
    }

    [Fact]
    public async Task PipeGrown_LoggerWaitsForTheDisposal_GetsIt()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        _loggers.Ask("PipeGrown", pipe.DisposeAsync);
        Task write = Task.Run(() =>
        {
            using FileStream stream = new(writeEnd, FileAccess.Write, bufferSize: 0);
            byte[] block = new byte[1 << 20];
            try
            {
                while (true)
                    stream.Write(block);
            }
            catch (IOException)
            {
                // EPIPE, by the logger's disposal
            }
        });
        Task copy = pipe.Input.CopyToAsync(PipeWriter.Create(Stream.Null));
        await write.WaitAsync(TestTimeout);
        _loggers.AssertAnswered();
        await pipe.DisposeAsync();
        await ((Task)copy.ContinueWith(static _ => { }, TaskScheduler.Default)).WaitAsync(TestTimeout);
    }

    private (UnixStreamConnection Connection, UnixHandle Peer) NewConnection()
    {
        (UnixHandle own, UnixHandle peer) = UnixSockets.ConnectionTest.NewSocketPair();
        return (UnixStreamConnection.FromSocket(Loop, own), peer);
    }

    /// <summary>At one event, once, does something on another thread and waits for its end.</summary>
    private sealed class WaitingLoggers : ILoggerFactory, ILogger
    {
        private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

        private readonly TaskCompletionSource<bool> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Func<ValueTask>? _question;
        private string? _event;

        internal void Ask(string eventName, Func<ValueTask> question) => (_event, _question) = (eventName, question);

        internal void AssertAnswered()
        {
            Assert.True(_answer.Task.Wait(TestTimeout), $"{_event} was not logged");
            Assert.True(_answer.Task.Result, "the logger waited in vain");
        }

        public ILogger CreateLogger(string categoryName) =>
            categoryName.StartsWith("UnixLoop.Transports", StringComparison.Ordinal) ? this : NullLogger.Instance;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == _event && Interlocked.Exchange(ref _question, null) is { } question)
                _answer.TrySetResult(Task.Run(async () => await question()).Wait(Bound));
        }

        public void Dispose()
        {
        }
    }
}
