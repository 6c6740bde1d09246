using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports;

// What the two directions tell, and how errors are taken: one that a peer may cause at any time is told at Debug; one that we have
// caused ourselves (Abort, DisposeAsync, the loop's end) is known to its causer, Debug too; any other is a Warning.
public sealed partial class UnixStreamConnection
{
    private readonly Lock _closedGate = new();

    /// <summary>The directions note under their locks.</summary>
    private NotedLines _noted;

    /// <summary>For the metrics, noted as the lines are.</summary>
    private long _receivedUntold;
    private long _sentUntold;

    /// <summary>Guarded by <see cref="_closedGate"/>; made when somebody asks.</summary>
    private CancellationTokenSource? _closed;

    /// <summary>
    /// Cancelled when the connection is closed: both directions are over, because each side has ended its own, or the peer has closed; or it was aborted or
    /// disposed, or its loop has ended. Callbacks run on the thread pool. A peer that only ends its direction cancels nothing; nor does one that closes while
    /// reading is paused (<see cref="UnixStreamConnectionOptions.InputHighWaterMark"/>), before what it has sent is read: nothing of that gets lost.
    /// </summary>
    public CancellationToken Closed
    {
        get
        {
            lock (_closedGate)
            {
                if (_closed is null && IsEnded)
                    return new CancellationToken(canceled: true);
                return (_closed ??= new CancellationTokenSource()).Token;
            }
        }
    }

    /// <summary>What the connection has carried, and when; at any time, also after the end.</summary>
    public UnixStreamConnectionStatistics GetStatistics() => new()
    {
        BytesRead = _input.BytesReceived,
        BytesWritten = _output.BytesSent,
        Reads = _input.Receives,
        Writes = _output.Sends,
        ConnectedAt = _connectedAt,
        LastReadAt = TimeOf(_input.LastReceived),
        LastWriteAt = TimeOf(_output.LastSent),
    };

    private DateTimeOffset? TimeOf(long timestamp) =>
        timestamp == 0 ? null : _connectedAt + Loop.Clock.GetElapsedTime(_connectedTimestamp, Math.Max(timestamp, _connectedTimestamp));

    /// <summary>A timestamp of the loop's clock; on the loop that of the turn, which may have begun before the connection was made.</summary>
    internal long Now => Loop.TurnTimestamp;

    internal void OnReceived(int bytes)
    {
        if (_metrics.CountsBytes)
            Interlocked.Add(ref _receivedUntold, bytes);
    }

    internal void OnSent(long bytes)
    {
        if (_metrics.CountsBytes)
            Interlocked.Add(ref _sentUntold, bytes);
    }

    internal void OnWriteLost(int count) => _noted.Add(() => SocketLog.WriteAfterLoss(_logger, this, count));

    /// <summary>Logs and counts what was noted; without a lock, last.</summary>
    internal void WriteNoted()
    {
        _noted.Write();
        if (_metrics.CountsBytes)
            TellBytes();
    }

    private void TellBytes()
    {
        if (Interlocked.Exchange(ref _receivedUntold, 0) is > 0 and var received)
            _metrics.Received(received);
        if (Interlocked.Exchange(ref _sentUntold, 0) is > 0 and var sent)
            _metrics.Sent(sent);
    }

    internal IOException ReceiveFailed(PosixResult result) => Failed(result, $"recv from {PeerName}");

    internal IOException SendFailed(PosixResult result) => Failed(result, $"send to {PeerName}");

    private string PeerName => RemoteAddress.IsUnnamed && !LocalAddress.IsUnnamed ? $"a client of {LocalAddress}" : $"{RemoteAddress}";

    private IOException Failed(PosixResult result, string call)
    {
        IOException failure = PosixError.ToException(result, call);
        if (result.Errno == ECONNRESET || result.Errno == EPIPE)
            _noted.Add(() => SocketLog.PeerGone(_logger, PeerName, failure.Message));
        else
            _noted.Add(() => SocketLog.Failed(_logger, failure, PeerName));
        return failure;
    }

    private void SignalClosed()
    {
        CancellationTokenSource? closed;
        lock (_closedGate)
            closed = _closed;
        if (closed is not null)
            ThreadPool.UnsafeQueueUserWorkItem(static c => c.Connection.RunClosedCallbacks(c.Closed), (Connection: this, Closed: closed), preferLocal: false);
    }

    private void RunClosedCallbacks(CancellationTokenSource closed)
    {
        try
        {
            closed.Cancel();
        }
        catch (AggregateException e)
        {
            Loop.ReportUnhandled(new UnhandledExceptionContext($"A callback for the end of {this} failed", e, this));
        }
    }
}
