using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A pipe watched at both ends, and a socket watched in both directions, whose interests come and go one by one.</summary>
internal sealed class DescriptorScenario : Scenario
{
    internal override string Name => "descriptor watching";

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        (SafeFileHandle read, SafeFileHandle write) = FaultLibc.Pipe();
        (SafeFileHandle socket, SafeFileHandle peer) = FaultLibc.SocketPair();
        using (read)
        using (write)
        using (socket)
        using (peer)
        {
            // What is still watched at the end keeps its handle borrowed, and the descriptor open.
            await WatchPipeAsync(rig, loop, read, write);
            await WatchBothDirectionsAsync(rig, loop, socket, peer);
        }
    }

    /// <summary>epoll_ctl's EPERM says that the descriptor is of a kind that can't be polled.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && fault is { Function: "epoll_ctl EPOLL_CTL_ADD" } && exception.Message.Contains("EPERM", StringComparison.Ordinal);

    private static async Task WatchPipeAsync(Rig rig, UnixEventLoop loop, SafeHandle read, SafeHandle write)
    {
        var received = new TaskCompletionSource<int>();
        using (loop.WatchReadable(read, () => received.TrySetResult(FaultLibc.ReadByte(read))))
        using (loop.WatchWritable(write, () => { }))
        {
            FaultLibc.WriteByte(write, 42);
            rig.Expect(await UnlessFaultedAsync(rig, loop, received.Task) == 42, "the byte that was written is the byte that is read");
        }
    }

    private static async Task WatchBothDirectionsAsync(Rig rig, UnixEventLoop loop, SafeHandle socket, SafeHandle peer)
    {
        var received = new TaskCompletionSource<int>();
        var writable = new TaskCompletionSource<int>();
        using IDisposable readWatch = loop.WatchReadable(socket, () => received.TrySetResult(FaultLibc.ReadByte(socket)));
        IDisposable writeWatch = loop.WatchWritable(socket, () => writable.TrySetResult(1));
        using (writeWatch)
        {
            await UnlessFaultedAsync(rig, loop, writable.Task);
        }
        FaultLibc.WriteByte(peer, 43);
        rig.Expect(await UnlessFaultedAsync(rig, loop, received.Task) == 43, "the watch that stays goes on after the other was removed");

        // From any thread: the loop's own, here.
        var again = new TaskCompletionSource<int>();
        using IDisposable secondWatch = loop.WatchWritable(socket, () => again.TrySetResult(1));
        await UnlessFaultedAsync(rig, loop, again.Task);
        await loop.InvokeAsync(readWatch.Dispose);
        await loop.InvokeAsync(secondWatch.Dispose);
    }

    private static async Task<int> UnlessFaultedAsync(Rig rig, UnixEventLoop loop, Task<int> task)
    {
        await Task.WhenAny(task, loop.Completion);
        ObjectDisposedException.ThrowIf(rig.LoopMayFault && loop.Completion.IsFaulted, loop);
        return await task;
    }
}
