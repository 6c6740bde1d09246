namespace UnixLoop.Loop.Tests.Children;

public sealed class ThreadedChildWatcherTests : ChildWatcherConformanceTests
{
    protected override int MaxChildren => 1_000;

    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}
