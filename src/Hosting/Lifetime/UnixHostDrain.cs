using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting;

/// <summary>Cancels <see cref="Draining"/>: when the lifetime says so, and in any case when the application stops.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A source without timer and links holds nothing, and its token must answer after the host is gone.")]
internal sealed class UnixHostDrain : IUnixHostDrain
{
    private readonly CancellationTokenSource _source = new();
    private readonly ILogger _logger;

    public UnixHostDrain(IHostApplicationLifetime application, ShutdownLog log)
    {
        _logger = log.CreateLogger(LifetimeLog.Category);
        application.ApplicationStopping.UnsafeRegister(static drain => ((UnixHostDrain)drain!).Begin(), this);
    }

    public CancellationToken Draining => _source.Token;

    internal void Begin()
    {
        try
        {
            _source.Cancel();
        }
        catch (AggregateException e)
        {
            LifetimeLog.DrainCallbackFailed(_logger, e);
        }
    }
}
