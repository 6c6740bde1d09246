using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Loops;

/// <summary>A running loop for each test, and the proof that nothing of it is left.</summary>
public abstract class LoopTest : IAsyncLifetime
{
    private readonly LeakCheck _leaks = new();

    protected UnixEventLoop Loop { get; private set; } = null!;

    internal FakeLogCollector Log { get; } = new();

    protected virtual UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers };

    protected ILoggerFactory Loggers { get; }

    protected LoopTest() =>
        Loggers = LoggerFactory.Create(b => b.AddProvider(new FakeLoggerProvider(Log)));

    public virtual async ValueTask InitializeAsync()
    {
        Loop = new UnixEventLoop(Settings);
        await Loop.StartAsync().WaitAsync(TestTimeout);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Loggers.Dispose();
        _leaks.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends once the loop has finished what it was doing, everything posted before, and what is ready by now.</summary>
    protected async Task SettleAsync()
    {
        // The first may run in a turn that has looked at the descriptors before.
        await Loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
        await Loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
    }

    /// <summary>Turns of the loop during 200 ms in which nothing should happen.</summary>
    protected async Task<long> CountIdleTurnsAsync()
    {
        await SettleAsync();
        long before = Loop.GetStatistics().Turns;
        using var idle = new ManualResetEventSlim();
        idle.Wait(TimeSpan.FromMilliseconds(200));
        return Loop.GetStatistics().Turns - before;
    }

    internal static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A pipe whose ends do not block.</summary>
    internal static (UnixHandle Read, UnixHandle Write) NewPipe()
    {
        PosixError.ThrowIfError(Libc.Pipe(out int readEnd, out int writeEnd), "pipe2");
        foreach (int end in (int[])[readEnd, writeEnd])
            PosixError.ThrowIfError(Libc.Fcntl(end, F_SETFL, O_NONBLOCK), "fcntl");
        return (new UnixHandle(readEnd), new UnixHandle(writeEnd));
    }
}
