namespace UnixLoop.Loop.Tests.Children;

public sealed class PidfdChildWatcherTests : ChildWatcherConformanceTests
{
    protected override IChildWatcher CreateWatcher() => new PidfdChildWatcher();
}
