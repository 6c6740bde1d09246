namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>Which watcher a scenario's children are added to.</summary>
internal enum WatcherKind
{
    Pidfd,
    Threaded,
    Safe,
    Fast,
    MultiLoop,
}
