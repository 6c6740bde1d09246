using UnixLoop.Children;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Children;

namespace UnixLoop.Loop.Tests.Children;

/// <summary>The orphan queue by itself: a registry whose children are orphans from the start.</summary>
public sealed class OrphanQueueTests : LoopTest
{
    private readonly ChildRegistry _registry = new("orphans", static (child, _) => OrphanQueue.Shared.Adopt(child));

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _registry.Attach(Loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // swept
    public async Task Adopt_ManyChildren_TellsEachOnTheLoopWhileThatRuns(bool withPidfd)
    {
        RecordingHandler[] handlers = [.. Enumerable.Range(0, 60).Select(static _ => new RecordingHandler())];
        for (int i = 0; i < handlers.Length; i++)
        {
            SpawnedChild child = TestChildren.StartExiting(i);
            _registry.Add(child.Pid, withPidfd ? child.Pidfd : null, handlers[i]);
            child.Pidfd!.Dispose();
        }
        for (int i = 0; i < handlers.Length; i++)
        {
            Assert.Equal(i, (await handlers[i].Exited).ExitCode);
            Assert.Equal(Loop.Name, handlers[i].ToldOn);
        }
    }

    [Fact]
    public async Task Adopt_PidfdAndNoPidfd_BothAreServedWhileOthersLive()
    {
        RecordingHandler polled = new(), swept = new(), living = new();
        SpawnedChild a = Adopt(polled, withPidfd: true), b = Adopt(swept, withPidfd: false), c = Adopt(living, withPidfd: true);
        TestChildren.Kill(b.Pid);
        Assert.Equal(-9, (await swept.Exited).ReturnCode);
        TestChildren.Kill(a.Pid);
        Assert.Equal(-9, (await polled.Exited).ReturnCode);
        Assert.False(living.IsTold);
        TestChildren.Kill(c.Pid);
        Assert.Equal(-9, (await living.Exited).ReturnCode);
    }

    [Fact]
    public async Task Thread_WithoutWork_EndsAndComesBack()
    {
        for (int round = 0; round < 3; round++)
        {
            RecordingHandler handler = new();
            SpawnedChild child = Adopt(handler, withPidfd: true);
            Assert.True(ThreadRuns());
            TestChildren.Kill(child.Pid);
            Assert.Equal(-9, (await handler.Exited).ReturnCode);
            Eventually.True(() => !ThreadRuns(), "the orphan queue's thread ends");
        }
    }

    [Fact]
    public async Task Thread_SleepingOnPidfds_UsesNoTime()
    {
        RecordingHandler handler = new();
        SpawnedChild child = Adopt(handler, withPidfd: true);
        Assert.True(ThreadRuns());
        long before = Switches();
        Eventually.TryWait(static () => false, TimeSpan.FromMilliseconds(500));
        Assert.InRange(Switches() - before, 0, 20);
        TestChildren.Kill(child.Pid);
        await handler.Exited;
    }

    private SpawnedChild Adopt(RecordingHandler handler, bool withPidfd)
    {
        SpawnedChild child = TestChildren.StartSleeping();
        _registry.Add(child.Pid, withPidfd ? child.Pidfd : null, handler);
        child.Pidfd!.Dispose();
        return child;
    }

    private static bool ThreadRuns() => ThreadFolder() is not null;

    private static string? ThreadFolder() =>
        Directory.GetDirectories("/proc/self/task").FirstOrDefault(static task => Read($"{task}/comm").Trim() == "unix-orphans");

    /// <summary>How often the thread has gone to sleep.</summary>
    private static long Switches()
    {
        string? line = Read($"{ThreadFolder()}/status").Split('\n').FirstOrDefault(static line => line.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
        return long.Parse(line!.Split(':')[1]);
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
