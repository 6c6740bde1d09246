using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Descriptors on a stream and on a datagram, some taken and some not: whatever fails, the last writer of the pipe is gone at the end.</summary>
internal sealed class DescriptorPassingScenario : Scenario
{
    internal override string Name => "descriptor passing";

    /// <summary>Sockets can be polled.</summary>
    internal override bool CanHappen(string function, int errno) => !(function == "epoll_ctl EPOLL_CTL_ADD" && errno == EPERM);

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        (SafeFileHandle read, SafeFileHandle write) = FaultLibc.Pipe();
        using (read)
        using (write)
        {
            await PassOnStreamAsync(loop, write);
            await PassOnDatagramAsync(loop, write);
        }
    }

    private static async Task PassOnStreamAsync(UnixEventLoop loop, SafeFileHandle write)
    {
        (SafeFileHandle one, SafeFileHandle other) = FaultLibc.SocketPair();
        using (one)
        using (other)
        {
            var options = new UnixStreamConnectionOptions { MaxDescriptors = 4, CloseTimeout = TimeSpan.FromSeconds(1) };
            await using UnixStreamConnection sender = UnixStreamConnection.FromSocket(loop, one, options);
            await using UnixStreamConnection receiver = UnixStreamConnection.FromSocket(loop, other, options);
            await sender.SendDescriptorsAsync("a"u8.ToArray(), [write, write]);
            await sender.SendDescriptorsAsync("b"u8.ToArray(), [write]);
            await sender.Output.CompleteAsync();
            ReadResult result = await receiver.Input.ReadAtLeastAsync(2);
            receiver.Input.AdvanceTo(result.Buffer.End);
            if (receiver.TryTakeDescriptor(out SafeFileHandle? taken))
                taken.Dispose(); // the others stay for the connection's end
        }
    }

    private static async Task PassOnDatagramAsync(UnixEventLoop loop, SafeFileHandle write)
    {
        await using UnixDatagramSocket receiver = UnixDatagramSocket.CreateAutoBound(loop, new UnixDatagramSocketOptions { MaxDescriptors = 1 });
        await using UnixDatagramSocket sender = UnixDatagramSocket.Create(loop);
        await sender.SendDescriptorsAsync("x"u8.ToArray(), [write, write], receiver.LocalAddress);
        await sender.SendDescriptorsAsync("y"u8.ToArray(), [write], receiver.LocalAddress); // nobody receives it
        UnixDatagramReceiveResult got = await receiver.ReceiveAsync(new byte[1]);
        foreach (SafeFileHandle descriptor in got.Descriptors)
            descriptor.Dispose();
    }

    /// <summary>A socket that can't be examined is refused by that name.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && fault.Function is "getsockopt" or "getpeername" or "getsockname" && exception.Message.Contains(PosixError.Name(fault.Errno), StringComparison.Ordinal);
}
