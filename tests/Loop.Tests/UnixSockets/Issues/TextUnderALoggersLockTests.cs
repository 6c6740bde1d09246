using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>A lost peer was logged under the output's lock, and the connection's text took that lock: a logger that formats under a lock of its own waited for ever.</summary>
public sealed class TextUnderALoggersLockTests : LoopTest
{
    private readonly AskingLoggers _loggers = new();

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = _loggers };

    [Fact]
    public async Task WriteAsync_PeerGoneAndItsLogAsksForTheText_DoesNotWait()
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(Loop, new UnixHandle(ours));
        new UnixHandle(theirs).Dispose();
        _loggers.Question = connection.ToString;
        await Assert.ThrowsAsync<IOException>(async () => await connection.Output.WriteAsync(new byte[1]).AsTask().WaitAsync(TestTimeout));
        Eventually.True(() => _loggers.Answers.Length > 0, "the line, which the loop may be writing");
        _loggers.Question = null;
        Assert.DoesNotContain(false, _loggers.Answers);
    }

    /// <summary>Asks on another thread, as one that holds the logger's lock would, and waits for the answer.</summary>
    private sealed class AskingLoggers : ILoggerFactory, ILogger
    {
        private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

        internal Func<string>? Question { get; set; }

        internal ImmutableArray<bool> Answers { get; private set; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (Question is not { } question)
                return;
            bool isAnswered = Task.Run(question).Wait(Bound);
            lock (this)
                Answers = Answers.Add(isAnswered);
        }

        public void Dispose()
        {
        }
    }
}
