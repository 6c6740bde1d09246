using UnixLoop.Children;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Children;

public sealed class DescriptorShortageTests
{
    [Fact]
    public async Task Add_NoDescriptorForAPidfdNorForAThread_TheLoopAsksForTheChild()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(AddWithoutDescriptorsAsync, via: FullPool.Via);
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task LoopEnds_NoDescriptorForTheOrphansThread_TellsOnceThereIsOne()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(EndWithoutDescriptorsAsync, via: FullPool.Via);
        await scenario.EndWellAsync();
    }

    internal static async Task EndWithoutDescriptorsAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        RecordingHandler handler = new();
        WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        ChildrenLog.NoOrphanThread(watching.Loop.LoggerFactory.CreateLogger("warm-up"), new InvalidTimeZoneException());
        SpawnedChild child = TestChildren.StartSleeping();
        watching.Watcher.Add(child.Pid, child.Pidfd, handler);
        child.Pidfd!.Dispose();
        int warmUps = watching.Log.Count;

        int limit = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(LowestFreeDescriptor());
        watching.Loop.Dispose();
        Eventually.True(() => watching.Log.Count > warmUps, "the orphan queue complains");
        TestLibc.SetDescriptorLimit(limit);
        TestChildren.Kill(child.Pid);

        Assert.Equal(-9, (await handler.Exited).ReturnCode);
        Assert.InRange(watching.Log.GetSnapshot().Count(static record => record.Id.Name == "OrphanQueueWithoutThread"), 2, int.MaxValue);
        await watching.DisposeAsync();
    }

    internal static async Task AddWithoutDescriptorsAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        // Loads what must be loaded while there are descriptors.
        ChildrenLog.PidfdNotWatched(watching.Loop.LoggerFactory.CreateLogger("warm-up"), 0, "warm-up");
        await AddAsync(watching, isShort: false);
        await AddAsync(watching, isShort: true);
        Assert.Contains(watching.Log.GetSnapshot(), static record =>
            record.Id.Name == "ChildWatchedByThread" && record.Message.Contains("EMFILE: pidfd_open", StringComparison.Ordinal));
        Assert.True(watching.HasLogged("ChildWatchedBySweep"));
    }

    private static async Task AddAsync(WatchingLoop watching, bool isShort)
    {
        SpawnedChild child = TestChildren.StartSleeping();
        child.Pidfd!.Dispose();
        RecordingHandler handler = new();
        // Warms up the fallback's code in the first round too.
        using ThreadedChildWatcher threaded = new();
        threaded.Attach(watching.Loop);
        SpawnedChild other = TestChildren.StartExiting(2);
        other.Pidfd!.Dispose();
        RecordingHandler otherHandler = new();
        threaded.Add(other.Pid, null, otherHandler);
        await otherHandler.Exited;
        _ = PosixError.ToException(PosixResult.Failure(24), "warm-up").Message;

        (int limit, int lowestFree) = (TestLibc.GetDescriptorLimit(), LowestFreeDescriptor());
        if (isShort)
            TestLibc.SetDescriptorLimit(lowestFree);
        try
        {
            watching.Watcher.Add(child.Pid, null, handler);
        }
        finally
        {
            TestLibc.SetDescriptorLimit(limit);
        }
        TestChildren.Kill(child.Pid);
        Assert.Equal(-9, (await handler.Exited).ReturnCode);
    }

    private static int LowestFreeDescriptor()
    {
        PosixResult made = Libc.EventFd();
        Assert.True(made.IsSuccess);
        Libc.Close(made.IntValue);
        return made.IntValue;
    }
}
