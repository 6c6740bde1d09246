using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.Hosting.Connections;

namespace UnixLoop.Hosting.Tests.Lifetime;

/// <summary>What becomes of the connections of a web server that drains.</summary>
public sealed class ConnectionDrainTests
{
    /// <summary>A logger that threw at one connection's error kept the others open, on a timer's thread, which ended the process.</summary>
    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(5, 2, 2)]
    public async Task LingerOver_AtMostTheDelay_CloseFailsAndTheLoggerToo_TheOthersAreClosed(int linger, int delay, int expected)
    {
        using CancellationTokenSource draining = new();
        FakeTimeProvider clock = new();
        UnixEventLoopOptions options = new() { DrainIdleLinger = TimeSpan.FromSeconds(linger), ShutdownDelay = TimeSpan.FromSeconds(delay) };
        using ThrowingLoggers loggers = new();
        ConnectionDrain drain = new(new Drain(draining.Token), new OptionsWrapper<UnixEventLoopOptions>(options), loggers, clock);
        RefusingConnection[] connections = [new(), new(), new()];
        foreach (RefusingConnection connection in connections)
            drain.Add(connection.Context, belowTls: false);

        await draining.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(expected) - TimeSpan.FromTicks(1));
        Assert.All(connections, static connection => Assert.Equal(0, connection.Asked));
        clock.Advance(TimeSpan.FromTicks(1));

        Assert.All(connections, static connection => Assert.Equal(1, connection.Asked));
        Assert.Equal(connections.Length, loggers.Thrown);
    }

    /// <summary>A server that is just answering closes without having told, and the client's next request is lost.</summary>
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task RequestFromBeforeTheDrain_IsAskedToCloseOnlyIfItStaysUnanswered(bool isAnswered, int expected)
    {
        using CancellationTokenSource draining = new();
        FakeTimeProvider clock = new();
        using ThrowingLoggers loggers = new();
        UnixEventLoopOptions options = new() { DrainIdleLinger = TimeSpan.FromSeconds(5), ShutdownDelay = TimeSpan.FromSeconds(10) };
        ConnectionDrain drain = new(new Drain(draining.Token), new OptionsWrapper<UnixEventLoopOptions>(options), loggers, clock);
        RefusingConnection connection = new();
        drain.Add(connection.Context, belowTls: false);
        await connection.ReceiveAsync("GET / HTTP/1.1\r\n\r\n");

        await draining.CancelAsync();
        Assert.Equal(0, connection.Asked);
        if (isAnswered)
            connection.Context.Transport.Output.GetMemory();
        clock.Advance(TimeSpan.FromMilliseconds(250));

        Assert.Equal(expected, connection.Asked);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(1, connection.Asked);
    }

    private sealed record Drain(CancellationToken Draining) : IUnixHostDrain;

    private sealed class RefusingConnection : IConnectionLifetimeNotificationFeature
    {
        private readonly PipeWriter _received;

        internal RefusingConnection()
        {
            Pipe pipe = new();
            _received = pipe.Writer;
            Context = new DefaultConnectionContext { Transport = new Duplex(pipe.Reader, pipe.Writer) };
            Context.Features.Set<IConnectionLifetimeNotificationFeature>(this);
        }

        internal ConnectionContext Context { get; }

        internal int Asked { get; private set; }

        public CancellationToken ConnectionClosedRequested { get; set; }

        /// <summary>As a server reads it.</summary>
        internal async Task ReceiveAsync(string request)
        {
            await _received.WriteAsync(Encoding.ASCII.GetBytes(request));
            ReadResult read = await Context.Transport.Input.ReadAsync();
            Context.Transport.Input.AdvanceTo(read.Buffer.End);
        }

        public void RequestClose()
        {
            Asked++;
            throw new InvalidTimeZoneException("a callback of the application");
        }

        private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
    }

    private sealed class ThrowingLoggers : ILoggerFactory, ILogger
    {
        internal int Thrown { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Thrown++;
            throw new InvalidOperationException("a provider's");
        }

        public void Dispose()
        {
        }
    }
}
