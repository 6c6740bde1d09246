using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>A splice asked for EPOLLOUT after a cancel, on another thread, had ended it: the connection then waited for something that nobody wanted.</summary>
public sealed class LateSpliceWaitTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Fact]
    public async Task Splice_CancelledBetweenTheFullSocketAndItsWait_LeavesNoInterest()
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        using UnixHandle peer = new(theirs);
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(loop, new UnixHandle(ours));
        await using ReadPipe pipe = ReadPipe.Create(loop, out SafeFileHandle writeEnd);
        using FileStream writer = new(writeEnd, FileAccess.Write, bufferSize: 0);
        using CancellationTokenSource cancel = new();
        Task copying = pipe.Input.CopyToAsync(connection.Output, cancel.Token);
        while (Libc.Send(connection.Descriptor, new byte[4096]).IsSuccess)
        {
        }
        Task canceling = Task.CompletedTask;
        AtTheWait plan = new(loop, () =>
        {
            canceling = Task.Run(cancel.Cancel);
            // As long as a cancel takes that nothing holds up; one that is held up until the wait has begun is in order.
            Task.WhenAny(copying).Wait(TimeSpan.FromSeconds(1));
        });
        Faults.Plan = plan;
        try
        {
            writer.WriteByte(1);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying.WaitAsync(TestTimeout));
            await loop.InvokeAsync(() => { }).WaitAsync(TestTimeout);
        }
        finally
        {
            Faults.Plan = null;
        }
        await canceling.WaitAsync(TestTimeout);
        Assert.True(plan.WasReached);
        Assert.Equal(0u, connection.Anchor.Registration!.Events & (uint)EPOLLOUT);
        connection.Abort();
    }

    /// <summary>Does something in the middle of the loop's next change of a mask.</summary>
    private sealed class AtTheWait(UnixEventLoop loop, Action action) : IFaultPlan
    {
        private int _reached;

        internal bool WasReached => Volatile.Read(ref _reached) != 0;

        public int OnCall(string function, ref int byteCount)
        {
            if (function == "epoll_ctl EPOLL_CTL_MOD" && loop.IsOnLoopThread && Interlocked.Exchange(ref _reached, 1) == 0)
                action();
            return 0;
        }
    }

    public void Dispose() => _leaks.Dispose();
}
