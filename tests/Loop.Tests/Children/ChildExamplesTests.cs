using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

/// <summary>The example of docs/children.md.</summary>
public sealed class ChildExamplesTests
{
    [Fact]
    public async Task Page_Example_Works()
    {
        SpawnedChild child = TestChildren.StartExiting(3);
        int pid = child.Pid;
        child.Pidfd!.Dispose();

        await using var loop = new UnixEventLoop();
        await loop.StartAsync();

        using IChildWatcher watcher = PidfdChildWatcher.IsSupported(out string? reason) ? new PidfdChildWatcher() : new ThreadedChildWatcher();
        watcher.Attach(loop);

        var farewell = new Farewell();
        watcher.Add(pid, pidfd: null, farewell);
        Assert.Equal($"{pid}: exit code 3", await farewell.Said.Task.WaitAsync(TestTimeout));
    }

    private sealed class Farewell : IChildExitHandler
    {
        internal TaskCompletionSource<string> Said { get; } = new();

        public void OnExiting(int pid)
        {
        }

        public void OnExited(int pid, in ChildExitStatus status) => Said.SetResult($"{pid}: {status}");
    }
}
