using Microsoft.Extensions.Logging;

namespace UnixLoop.Hosting;

/// <summary>Events 2000 to 2099, in the category of the lifetimes that ours replaces: filters for them go on working.</summary>
internal static partial class LifetimeLog
{
    internal const string Category = "Microsoft.Hosting.Lifetime";

    [LoggerMessage(2000, LogLevel.Information, "Application started. Press Ctrl+C or send SIGTERM to shut down. Environment: {Environment}; content root: {ContentRoot}.", EventName = "ApplicationStarted")]
    internal static partial void ApplicationStarted(ILogger logger, string environment, string contentRoot);

    [LoggerMessage(2001, LogLevel.Information, "Application is shutting down.", EventName = "ApplicationStopping")]
    internal static partial void ApplicationStopping(ILogger logger);

    [LoggerMessage(2002, LogLevel.Information, "{Signal} during start-up: the start is cancelled.", EventName = "StartCancelled")]
    internal static partial void StartCancelled(ILogger logger, UnixSignal signal);

    [LoggerMessage(2003, LogLevel.Information, "{Signal}: draining for {ShutdownDelay} before the application stops; a second signal stops it now.", EventName = "Draining")]
    internal static partial void Draining(ILogger logger, UnixSignal signal, TimeSpan shutdownDelay);

    [LoggerMessage(2004, LogLevel.Information, "{Signal}: stopping the application; a further signal ends the process without cleaning up.", EventName = "StoppingBySignal")]
    internal static partial void StoppingBySignal(ILogger logger, UnixSignal signal);

    [LoggerMessage(2005, LogLevel.Information, "The application has drained: stopping it.", EventName = "Drained")]
    internal static partial void Drained(ILogger logger);

    [LoggerMessage(2006, LogLevel.Information, "{Signal}: the application is stopping already; a further signal ends the process without cleaning up.", EventName = "SignalWhileStopping")]
    internal static partial void SignalWhileStopping(ILogger logger, UnixSignal signal);

    [LoggerMessage(2007, LogLevel.Critical, "{Signal} again while the application is stopping: the process ends now, with exit code {ExitCode}.", EventName = "ForcedExit")]
    internal static partial void ForcedExit(ILogger logger, UnixSignal signal, int exitCode);

    [LoggerMessage(2008, LogLevel.Error, "A callback of IUnixHostDrain.Draining failed.", EventName = "DrainCallbackFailed")]
    internal static partial void DrainCallbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(2009, LogLevel.Warning, "The host's lifetime is {LifetimeType}: TERM, INT and QUIT are its own, without drain delay and forced exit. {Advice}", EventName = "LifetimeSteppedBack")]
    internal static partial void LifetimeSteppedBack(ILogger logger, Type lifetimeType, string advice);

    [LoggerMessage(2010, LogLevel.Debug, "The service manager was told {State}.", EventName = "ServiceManagerNotified")]
    internal static partial void ServiceManagerNotified(ILogger logger, string state);

    [LoggerMessage(2011, LogLevel.Warning, "The service manager could not be told {State} through NOTIFY_SOCKET.", EventName = "ServiceManagerNotNotified")]
    internal static partial void ServiceManagerNotNotified(ILogger logger, string state, Exception exception);

    [LoggerMessage(2012, LogLevel.Warning, "NOTIFY_SOCKET is '{Address}', which is neither an absolute path nor an abstract name (@…): the service manager is not told anything.", EventName = "NotifySocketUnsupported")]
    internal static partial void NotifySocketUnsupported(ILogger logger, string address);

    [LoggerMessage(2013, LogLevel.Debug, "The service manager is told every {Interval} that the loops turn.", EventName = "WatchdogStarted")]
    internal static partial void WatchdogStarted(ILogger logger, TimeSpan interval);

    [LoggerMessage(2014, LogLevel.Warning, "Loop '{Loop}' does not turn: the service manager is not told that we live, and may restart us.", EventName = "WatchdogWithheld")]
    internal static partial void WatchdogWithheld(ILogger logger, string loop);

    [LoggerMessage(2015, LogLevel.Warning, "WATCHDOG_USEC is '{Value}', which is no number of microseconds: the service manager's watchdog is not served.", EventName = "WatchdogUnintelligible")]
    internal static partial void WatchdogUnintelligible(ILogger logger, string value);

    [LoggerMessage(2016, LogLevel.Error, "Connection {ConnectionId} was asked to close while the application drains, and a callback of it failed.", EventName = "ConnectionCloseFailed")]
    internal static partial void ConnectionCloseFailed(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(2017, LogLevel.Warning, "The web server was registered after AddUnixEventLoop: its connections are not told to close while the application drains. Call AddUnixEventLoop after ConfigureWebHostDefaults (UseSockets and UseKestrel included).", EventName = "DrainPassedBy")]
    internal static partial void DrainPassedBy(ILogger logger);
}
