namespace UnixLoop.Pages;

internal static partial class ContainersPage
{
    internal static void Orphans(IUnixEventLoop loop, ILogger log)
    {
        using IDisposable? watch = UnixInit.WatchAdoptedExits(loop, exit => log.Orphan(exit.ProcessId, exit.Status));
    }

    [LoggerMessage(1, LogLevel.Information, "{Pid}: {Exit}")]
    private static partial void Orphan(this ILogger logger, int pid, ChildExitStatus exit);
}
