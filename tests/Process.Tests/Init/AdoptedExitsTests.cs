using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using UnixLoop.Init;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Init;

/// <summary>The app's end of the pipe, without an init.</summary>
public sealed class AdoptedExitsTests : IDisposable
{
    private const int EPIPE = 32;

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Callback_Throws_TheOthersOfTheBatchAreTold()
    {
        await using UnixEventLoop loop = new();
        ConcurrentQueue<Exception> failures = [];
        loop.UnhandledException += context => failures.Enqueue(context.Exception);
        (UnixHandle read, UnixHandle write) = Pipe();
        ConcurrentQueue<int> told = [];
        using AdoptedExits exits = new(loop, read, exit =>
        {
            told.Enqueue(exit.ProcessId);
            if (exit.ProcessId is 101 or 103)
                throw new InvalidOperationException($"of {exit.ProcessId}");
        });
        Write(write, 101, 102, 103, 104);

        await loop.StartAsync().WaitAsync(TestTimeout);

        Eventually.True(() => told.Count == 4 && failures.Count == 1, "four exits and the failures");
        Assert.Equal([101, 102, 103, 104], told);
        AggregateException failure = Assert.IsType<AggregateException>(Assert.Single(failures));
        Assert.Equal(["of 101", "of 103"], failure.InnerExceptions.Select(inner => inner.Message));
        write.Dispose();
    }

    [Fact]
    public async Task Dispose_WhileTheLoopReads_TheDescriptorIsTheReadsUntilItEnds()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(DisposeWhileReadingAsync);
        Assert.Equal("open in read(2): True", await scenario.ReadLineAsync());
        Assert.Equal("closed afterwards: True", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    internal static async Task DisposeWhileReadingAsync(string[] args)
    {
        AppContext.SetSwitch("UnixLoop.FaultInjection", true);
        await using UnixEventLoop loop = new();
        (UnixHandle read, UnixHandle write) = Pipe();
        string link = $"/proc/self/fd/{read.Descriptor}";
        AdoptedExits exits = new(loop, read, static _ => { });
        TaskCompletionSource<bool> isOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Faults.Plan = new BeforeRead(() =>
        {
            exits.Dispose();
            isOpen.TrySetResult(new FileInfo(link).LinkTarget is not null);
        });
        Write(write, 101);
        await loop.StartAsync().WaitAsync(TestTimeout);

        Scenario.Say($"open in read(2): {await isOpen.Task.WaitAsync(TestTimeout)}");
        Faults.Plan = null;
        await loop.StopAsync().WaitAsync(TestTimeout);
        Scenario.Say($"closed afterwards: {Libc.Write(write.Descriptor, [1]).Errno == EPIPE}");
        write.Dispose();
        await Scenario.WaitForEndAsync();
    }

    private static (UnixHandle Read, UnixHandle Write) Pipe()
    {
        Assert.True(Libc.Pipe(out int read, out int write).IsSuccess);
        return (new UnixHandle(read), new UnixHandle(write));
    }

    /// <summary>At once, each with wait(2)'s status word 0.</summary>
    private static void Write(UnixHandle pipe, params ReadOnlySpan<int> pids)
    {
        int[] records = new int[pids.Length * 2];
        for (int i = 0; i < pids.Length; i++)
            records[i * 2] = pids[i];
        Assert.Equal(records.Length * sizeof(int), Libc.Write(pipe.Descriptor, MemoryMarshal.AsBytes(records.AsSpan())).IntValue);
    }

    /// <summary>Once, on the loop's thread.</summary>
    private sealed class BeforeRead(Action run) : IFaultPlan
    {
        private int _ran;

        public int OnCall(string function, ref int byteCount)
        {
            if (function == "read" && Thread.CurrentThread.Name == "unix-loop" && Interlocked.Exchange(ref _ran, 1) == 0)
                run();
            return 0;
        }
    }
}
