using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>A logger that throws kept a connection's disposal from ending and its descriptor open, and changed what a write failed with.</summary>
public sealed class ThrowingLoggerTests : ListenerTest
{
    private readonly ThrowingLoggers _loggers = new();

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = _loggers };

    [Theory, InlineData(false), InlineData(true)]
    public async Task DisposeAsync_Connection_EndsAndClosesAllTheSame(bool throwsWhenAsked)
    {
        _loggers.ThrowsWhenAsked = throwsWhenAsked;
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            await DisposeAsync(UnixStreamConnection.FromSocket(Loop, own));
            Assert.Equal(0, ConnectionTest.ReceiveEnd(peer).IntValue);
        }
        Assert.True(_loggers.Thrown > 0);
    }

    [Fact]
    public async Task DisposeAsync_WithUnsentBytes_EndsAllTheSame()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own, new() { CloseTimeout = TimeSpan.FromMilliseconds(20) });
            Task flush = connection.Output.WriteAsync(new byte[4 << 20]).AsTask();
            await DisposeAsync(connection);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => flush.WaitAsync(TestTimeout));
        }
        Eventually.True(() => _loggers.Thrown > 1, "the lines about the end and about the bytes");
    }

    [Fact]
    public async Task WriteAsync_PeerGone_FailsWithItsOwnError()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, own);
        peer.Dispose();
        Assert.Equal(EPIPE, (await Assert.ThrowsAsync<IOException>(() => connection.Output.WriteAsync(new byte[1]).AsTask().WaitAsync(TestTimeout))).HResult);
        Eventually.True(() => _loggers.Thrown > 0, "the line, which the loop may be writing");
    }

    [Fact]
    public void Dropped_Connection_IsClosedAllTheSame()
    {
        using UnixHandle peer = Drop();
        PosixResult end = default;
        Eventually.True(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return (end = Libc.Receive(peer.Descriptor, new byte[1])).Errno != EAGAIN;
            },
            "the end");
        Assert.Equal(0, end.IntValue);
        Eventually.True(() => _loggers.Thrown > 0, "the leak is logged");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private UnixHandle Drop()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        UnixStreamConnection.FromSocket(Loop, own);
        return peer;
    }

    [Fact]
    public async Task DisposeAsync_ListenerWithAConnection_EndsAllTheSame()
    {
        UnixStreamListener listener = await BindAsync(SocketPath);
        using UnixHandle client = RawSocket.Connected(SocketPath);
        await using UnixStreamConnection connection = (await AcceptAsync(listener))!;
        await DisposeAsync(listener);
        Assert.Equal(0, ConnectionTest.ReceiveEnd(client).IntValue);
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Flush_PipesReaderGone_FailsWithItsOwnErrorAndCloses()
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        Task flush = pipe.Output.WriteAsync(new byte[1 << 20]).AsTask();
        readEnd.Dispose();
        Assert.Equal(EPIPE, (await Assert.ThrowsAsync<IOException>(() => flush.WaitAsync(TestTimeout))).HResult);
        Assert.Equal(EPIPE, (await Assert.ThrowsAsync<IOException>(() => pipe.Completion.WaitAsync(TestTimeout))).HResult);
        Eventually.True(() => _loggers.Thrown > 0, "the failure is logged");
    }

    [Fact]
    public async Task DisposeAsync_DatagramSocket_DoesNotThrow()
    {
        await DisposeAsync(UnixDatagramSocket.Create(Loop));
        Assert.True(_loggers.Thrown > 0);
    }

    [Fact]
    public void FromSocket_LoggerCannotBeMade_ThrowsAndClosesTheSocket()
    {
        _loggers.ThrowsWhenMade = true;
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        using (peer)
        {
            Assert.Throws<InvalidTimeZoneException>(() => { UnixStreamConnection.FromSocket(Loop, own); });
            Assert.True(own.IsClosed);
        }
    }

    /// <summary>Its descriptor, and its file, stayed for ever.</summary>
    [Fact]
    public async Task DatagramSocket_LoggerCannotBeMade_ThrowsAndClosesTheSocket()
    {
        _loggers.ThrowsWhenMade = true;
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair(SOCK_DGRAM);
        using (peer)
        {
            Assert.Throws<InvalidTimeZoneException>(() => { UnixDatagramSocket.FromSocket(Loop, own); });
            Assert.True(own.IsClosed);
        }
        Assert.Throws<InvalidTimeZoneException>(() => { UnixDatagramSocket.Create(Loop); });
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => UnixDatagramSocket.BindAsync(Loop, AddressOf(SocketPath)).WaitAsync(TestTimeout));
        Assert.False(IsSocket(SocketPath));
    }

    private sealed class ThrowingLoggers : ILoggerFactory, ILogger
    {
        private int _thrown;

        internal bool ThrowsWhenMade { get; set; }

        internal bool ThrowsWhenAsked { get; set; }

        internal int Thrown => Volatile.Read(ref _thrown);

        public ILogger CreateLogger(string categoryName) =>
            !categoryName.StartsWith("UnixLoop.Transports", StringComparison.Ordinal) ? NullLogger.Instance : ThrowsWhenMade ? throw New() : this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => ThrowsWhenAsked ? throw New() : true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw New();

        private InvalidTimeZoneException New()
        {
            Interlocked.Increment(ref _thrown);
            return new("a logger's");
        }

        public void Dispose()
        {
        }
    }
}
