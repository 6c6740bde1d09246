using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace UnixLoop.Hosting.Connections;

/// <summary>What is known of one connection: whether a request has been consumed that has no answer yet, and whether the server was asked to close it.</summary>
internal sealed class DrainedConnection(ConnectionDrain drain, ConnectionContext context, bool belowTls)
{
    /// <summary>The beginning of HTTP/2's preface (RFC 9113, 3.4); no method of HTTP/1 begins like that.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI"u8;

    private readonly bool _isLate = drain.IsDraining;
    private volatile bool _isUnanswered;
    private bool _isHttp2;
    private int _asked;

    internal bool IsProtocolKnown { get; private set; }

    /// <summary>On the server's own flow, until enough of them have been seen.</summary>
    internal void OnFirstBytes(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length < Preface.Length)
            return;
        Span<byte> first = stackalloc byte[Preface.Length];
        bytes.Slice(0, Preface.Length).CopyTo(first);
        _isHttp2 = first.SequenceEqual(Preface);
        IsProtocolKnown = true;
    }

    /// <summary>On the server's own flow: bytes have been consumed, and nothing has answered them.</summary>
    internal void OnConsumed()
    {
        _isUnanswered = true;
        // HTTP/2 is asked after the linger alone: GOAWAY that comes as the last answer goes out is followed by the close at once, and streams on
        // their way are lost to clients that do not send them again.
        if (drain.IsDraining && SeesRequests && !_isHttp2)
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
        if (_isUnanswered && SeesRequests && !_isHttp2)
            RequestClose();
    }

    /// <summary>Once.</summary>
    private void RequestClose()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0)
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }

    internal void Remove() => drain.Remove(this);

    private bool SeesRequests => !belowTls || context.Features.Get<ITlsHandshakeFeature>() is null;
}
