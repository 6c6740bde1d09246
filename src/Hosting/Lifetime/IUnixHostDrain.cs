namespace UnixLoop.Hosting;

/// <summary>
/// Tells that the application has been asked to stop and still serves: the time in which a load balancer takes notice.
/// A singleton; inject it where readiness is decided.
/// </summary>
public interface IUnixHostDrain
{
    /// <summary>
    /// Cancelled at the first TERM, INT or QUIT, <see cref="UnixEventLoopOptions.ShutdownDelay"/> before
    /// <c>IHostApplicationLifetime.ApplicationStopping</c>; at the latest together with it, whatever stopped the host.
    /// Callbacks run on the thread that handles the signal; keep them short.
    /// </summary>
    CancellationToken Draining { get; }
}
