namespace UnixLoop.Loop.Tests.Subprocesses;

// asyncio's SubprocessMixin runs under each of its watchers; so do those tests here that a watcher has a part in. With threads the
// exit comes from elsewhere than the loop, and there is no pidfd to be signalled by.

/// <summary>The ladder, and the group's last signal before the reap (linux.md, rule 5).</summary>
public sealed class StopOnThreadsTests : StopTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class StopTreeOnThreadsTests : StopTreeTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class DisposeOnThreadsTests : DisposeTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class WaitOnThreadsTests : WaitTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class StreamsOnThreadsTests : StreamTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class RunOnThreadsTests : RunTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}

public sealed class RunCancelOnThreadsTests : RunCancelTests
{
    protected override IChildWatcher CreateWatcher() => new ThreadedChildWatcher();
}
