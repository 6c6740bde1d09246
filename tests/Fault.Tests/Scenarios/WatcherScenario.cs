using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Subprocesses;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A watcher by itself: with and without a pidfd, detached and attached again. Each handler is called exactly once.</summary>
internal sealed class WatcherScenario(WatcherKind watcher) : ChildScenario
{
    internal override string Name => $"watcher ({watcher})";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, watcher);
        await WatchAsync(rig, children, withPidfd: true, detach: false);
        await WatchAsync(rig, children, withPidfd: false, detach: false);
        await WatchAsync(rig, children, withPidfd: false, detach: true);
    }

    private static async Task WatchAsync(Rig rig, ChildRig children, bool withPidfd, bool detach)
    {
        var handler = new CountingHandler();
        SpawnedChild child = Spawner.Start(new SubprocessStartInfo("/bin/sh", "-c", "exit 5"), Stdio.Null, Stdio.Null, Stdio.Null);
        using (child.Pidfd)
        {
            try
            {
                children.Watcher.Add(child.Pid, withPidfd ? child.Pidfd : null, handler);
            }
            catch (InvalidOperationException)
            {
                OwnChildren.KillAndReapAll(); // a child that was not added is still the caller's
                throw;
            }
            if (detach)
            {
                children.Watcher.Detach();
                children.Watcher.Attach(children.Loop);
            }
            children.ExpectExit(await handler.Exited.WaitAsync(Campaign.Bound), 5);
        }
        rig.AtEnd(() =>
        {
            rig.Expect(handler.Calls == 1, $"a handler is told of the exit once: {handler.Calls} times");
            return Task.CompletedTask;
        });
    }

    private sealed class CountingHandler : IChildExitHandler
    {
        private readonly TaskCompletionSource<ChildExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _calls;

        internal Task<ChildExitStatus> Exited => _exited.Task;

        internal int Calls => Volatile.Read(ref _calls);

        public void OnExiting(int pid)
        {
        }

        public void OnExited(int pid, in ChildExitStatus status)
        {
            Interlocked.Increment(ref _calls);
            _exited.TrySetResult(status);
        }
    }
}
