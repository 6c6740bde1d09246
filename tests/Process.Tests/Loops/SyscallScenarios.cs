using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Loops;

internal static class SyscallScenarios
{
    /// <summary>Posts as often as the first argument says, while a callback holds the loop.</summary>
    internal static async Task PostWhileBusyAsync(string[] args)
    {
        int posts = int.Parse(args[0]);
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        int run = 0;
        using ManualResetEventSlim held = new(), release = new();
        loop.Post(() =>
        {
            held.Set();
            release.Wait();
        });
        held.Wait();
        for (int i = 0; i < posts; i++)
            loop.Post(() => run++);
        Task last = loop.InvokeAsync(() => { });
        release.Set();
        await last;
        Scenario.Say($"run {run}");
    }

    /// <summary>Takes as many turns as the first argument says, each with one ready descriptor.</summary>
    internal static async Task TurnAsync(string[] args)
    {
        int left = int.Parse(args[0]);
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        using UnixHandle ready = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
        Libc.Write(ready.Descriptor, BitConverter.GetBytes(1UL));
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.InvokeAsync(() =>
        {
            IDisposable? watch = null;
            watch = loop.WatchReadable(ready, () =>
            {
                if (--left > 0)
                    return;
                watch!.Dispose();
                done.SetResult();
            });
        });
        await done.Task;
        Scenario.Say("done");
    }

    /// <summary>Takes turns by timers of 8 ms on a loop that may poll for 1: traffic that is too slow for it.</summary>
    internal static async Task SlowTrafficAsync(string[] args)
    {
        int left = int.Parse(args[0]);
        await using var loop = new UnixEventLoop(new UnixEventLoopSettings { PollBeforeBlocking = TimeSpan.FromMilliseconds(1) });
        await loop.StartAsync();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Tick()
        {
            if (--left > 0)
                loop.Schedule(TimeSpan.FromMilliseconds(8), Tick);
            else
                done.SetResult();
        }
        loop.Post(Tick);
        await done.Task;
        Scenario.Say("done");
    }
}
