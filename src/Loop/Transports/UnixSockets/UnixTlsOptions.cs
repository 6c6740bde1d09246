namespace UnixLoop.Transports;

/// <summary>How long TLS over a <see cref="UnixStreamConnection"/> may take to begin and to end.</summary>
public sealed class UnixTlsOptions
{
    /// <summary>How long the handshake may take (asyncio: <c>ssl_handshake_timeout</c>).</summary>
    /// <value>More than zero; default 60 s.</value>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the end may take to be said to a peer that does not read (asyncio: <c>ssl_shutdown_timeout</c>); then it is just closed.</summary>
    /// <value>More than zero; default 30 s.</value>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    internal void Validate()
    {
        Check(HandshakeTimeout, nameof(HandshakeTimeout));
        Check(ShutdownTimeout, nameof(ShutdownTimeout));
    }

    /// <summary>The upper end is what a timer takes.</summary>
    private static void Check(TimeSpan timeout, string name)
    {
        if (timeout <= TimeSpan.Zero || timeout.TotalMilliseconds > uint.MaxValue - 1)
            throw new ArgumentOutOfRangeException(name, timeout, $"{name} has to be more than zero and at most 49 days.");
    }
}
