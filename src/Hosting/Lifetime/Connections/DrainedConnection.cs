using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace UnixLoop.Hosting.Connections;

/// <summary>What is known of one connection: whether a request has come that has no answer yet, and whether the server was asked to close it.</summary>
internal sealed class DrainedConnection(ConnectionDrain drain, ConnectionContext context, bool belowTls)
{
    /// <summary>The beginning of HTTP/2's preface (RFC 9113, 3.4); no method of HTTP/1 begins like that.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI"u8;

    private readonly bool _isLate = drain.IsDraining;
    private volatile bool _isUnanswered;
    private bool _isProtocolKnown;
    private bool _isHttp2;
    private int _asked;

    /// <summary>On the server's own flow: what it is about to look at, from the first byte that it has not consumed.</summary>
    internal void OnRead(in ReadOnlySequence<byte> bytes)
    {
        if (!_isProtocolKnown)
            LearnProtocol(bytes);
        if (_isHttp2 || !RequestLine.Begins(bytes))
            return;
        _isUnanswered = true;
        // Told before the drain is looked at, as the drain looks here after it has told: else each could miss the other. The barrier between
        // the two is ConnectionDrain.Begin's alone: this is each request's path.
        if (drain.IsDraining && SeesRequests)
            RequestClose();
    }

    /// <summary>On the server's own flow: an answer begins.</summary>
    internal void OnAnswer() => _isUnanswered = false;

    /// <summary>The linger is over. A late connection of HTTP/2 may be in its greeting, or between two requests: the server's stop ends it.</summary>
    internal void CloseAfterLinger()
    {
        if (!(_isLate && _isHttp2))
            RequestClose();
    }

    internal void CloseIfUnanswered()
    {
        if (SeesRequests && _isUnanswered)
            RequestClose();
    }

    internal void Remove() => drain.Remove(this);

    private bool SeesRequests => !belowTls || context.Features.Get<ITlsHandshakeFeature>() is null;

    private void LearnProtocol(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length < Preface.Length)
            return;
        Span<byte> first = stackalloc byte[Preface.Length];
        bytes.Slice(0, Preface.Length).CopyTo(first);
        _isHttp2 = first.SequenceEqual(Preface);
        _isProtocolKnown = true;
    }

    /// <summary>Once. What the server and its middleware do at it is theirs: an error of one connection must not reach the others, nor end the process.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A callback of the application may throw anything; it is logged.")]
    private void RequestClose()
    {
        if (Interlocked.Exchange(ref _asked, 1) != 0)
            return;
        try
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
        catch (Exception e)
        {
            drain.OnCloseFailed(context.ConnectionId, e);
        }
    }
}
