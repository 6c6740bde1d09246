using System.Buffers;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Transports;

namespace UnixLoop.Hosting;

/// <summary>
/// Says on a Unix socket whether the application is live and ready, for workers without a web server. A client sends "live" or "ready" and a
/// line feed, and gets "ok" or "no" with the reason, and the end.
/// </summary>
/// <remarks>Serves until the loops end: while draining it says "no" to "ready" and "ok" to "live".</remarks>
internal sealed class HealthResponder(
    UnixEventLoop loop,
    ApplicationHealth readiness,
    IOptions<UnixEventLoopOptions> options,
    ILogger<HealthResponder> logger,
    HealthCheckService? checks = null,
    TimeProvider? clock = null)
{
    private const int LongestQuestion = 64;
    private const int MostClients = 16;

    /// <summary>So many may be about to ask; who comes then takes the place of the one that has been silent for the longest time.</summary>
    private const int MostSilent = MostClients / 2;

    /// <summary>A client that does not ask, or a loop that does not answer, is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Lock _lock = new();

    /// <summary>The patience with those that have not asked yet, in the order in which they came. Guarded by the lock, as is its cancellation for want of room.</summary>
    private readonly List<CancellationTokenSource> _silent = [];
    private UnixStreamListener? _listener;
    private Task _serving = Task.CompletedTask;

    /// <exception cref="IOException">The socket can't be bound; the message names it.</exception>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.HealthSocket is not { } path)
            return;
        _listener = await UnixStreamListener.BindAsync(
            loop, UnixSocketAddress.FromPath(path), new UnixStreamListenerOptions { ConnectionLimit = MostClients, Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite }, cancellationToken).ConfigureAwait(false);
        _serving = ServeAsync(_listener);
    }

    /// <summary>Its clients may be on a loop that a callback holds: once the time is over, they end with their loops.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_listener is null)
            return;
        Task stopped = Task.WhenAll(_listener.DisposeAsync().AsTask(), _serving);
        await stopped.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ServeAsync(UnixStreamListener listener)
    {
        while (await listener.AcceptAsync().ConfigureAwait(false) is { } connection)
        {
            CancellationTokenSource patience = new(Patience, _clock);
            Expect(patience);
            _ = AnswerAsync(connection, patience);
        }
    }

    /// <summary>A client that is about to ask.</summary>
    private void Expect(CancellationTokenSource patience)
    {
        lock (_lock)
        {
            if (_silent.Count == MostSilent)
            {
                // Its owner disposes it, and not before it has asked for this lock. What follows from it runs on the pool.
                _ = _silent[0].CancelAsync();
                _silent.RemoveAt(0);
            }
            _silent.Add(patience);
        }
    }

    private async Task AnswerAsync(UnixStreamConnection connection, CancellationTokenSource patience)
    {
        await using (connection.ConfigureAwait(false))
        using (patience)
        {
            try
            {
                string question = await ReadQuestionAsync(connection, patience).ConfigureAwait(false);
                string answer = await AskAsync(question, patience.Token).ConfigureAwait(false);
                await connection.Output.WriteAsync(Encoding.UTF8.GetBytes(answer + "\n"), patience.Token).ConfigureAwait(false);
                await connection.Output.CompleteAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                LoopServiceLog.HealthNotAnswered(logger, e);
            }
        }
    }

    private async Task<string> ReadQuestionAsync(UnixStreamConnection connection, CancellationTokenSource patience)
    {
        try
        {
            return await ReadQuestionAsync(connection, patience.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
                _silent.Remove(patience);
        }
    }

    private static async Task<string> ReadQuestionAsync(UnixStreamConnection connection, CancellationToken cancellationToken)
    {
        while (true)
        {
            System.IO.Pipelines.ReadResult read = await connection.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> bytes = read.Buffer;
            SequencePosition? end = bytes.PositionOf((byte)'\n');
            if (end is { } lineEnd || read.IsCompleted || bytes.Length > LongestQuestion)
            {
                string question = Encoding.UTF8.GetString(end is { } at ? bytes.Slice(0, at) : bytes);
                connection.Input.AdvanceTo(bytes.End);
                return question;
            }
            connection.Input.AdvanceTo(bytes.Start, bytes.End);
        }
    }

    private async Task<string> AskAsync(string question, CancellationToken cancellationToken)
    {
        if (question is not ("live" or "ready"))
            return "no The question is 'live' or 'ready'.";
        ApplicationHealth.Verdict verdict = question == "live"
            ? await readiness.AskLoopsAsync(cancellationToken).ConfigureAwait(false)
            : await readiness.AskAsync(cancellationToken).ConfigureAwait(false);
        if (verdict.Condition == ApplicationHealth.Condition.Down)
            return $"no {verdict.Reason}";
        if (question == "live" || checks is null)
            return "ok";
        // A check need not look at the token.
        HealthReport report = await checks.CheckHealthAsync(static check => check.Tags.Contains("ready"), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        return report.Status != HealthStatus.Unhealthy
            ? "ok"
            : $"no {string.Join("; ", report.Entries.Where(entry => entry.Value.Status == HealthStatus.Unhealthy).Select(entry => $"{entry.Key}: {entry.Value.Description}"))}";
    }
}
