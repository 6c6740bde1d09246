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
        // GOAWAY in the middle of HTTP/2's greeting would refuse its first stream: a connection that came while draining is left alone until the linger is over.
        if (drain.IsDraining && SeesRequests && !(IsLateHttp2 && !drain.HasLingered))
            RequestClose();
    }

    /// <summary>On the server's own flow: an answer begins.</summary>
    internal void OnAnswer() => _isUnanswered = false;

    /// <summary>The linger is over. A late connection of HTTP/2 may be between two requests: it is asked with its next one, or by the server's stop.</summary>
    internal void CloseAfterLinger()
    {
        if (!IsLateHttp2)
            RequestClose();
    }

    internal void CloseIfUnanswered()
    {
        if (_isUnanswered && SeesRequests)
            RequestClose();
    }

    private bool IsLateHttp2 => _isLate && _isHttp2;

    /// <summary>Once.</summary>
    private void RequestClose()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0)
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }

    internal void Remove() => drain.Remove(this);

    private bool SeesRequests => !belowTls || context.Features.Get<ITlsHandshakeFeature>() is null;
}
