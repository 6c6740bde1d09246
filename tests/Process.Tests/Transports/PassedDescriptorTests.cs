using System.IO.Pipelines;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Transports;

/// <summary>Descriptors that come when their receiver may open no more: the kernel drops them, and says MSG_CTRUNC (recvmsg(2)).</summary>
public sealed class PassedDescriptorTests
{
    [Fact]
    public async Task Rule28_ReceiverMayOpenNoMore_IsToldSo()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(ReceiveAsync, via: FullPool.Via);
        await scenario.EndWellAsync();
    }

    internal static async Task ReceiveAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        int limit = TestLibc.GetDescriptorLimit();
        // First with too little room, so that all is loaded.
        await AssertLossIsToldAsync(loop, maxDescriptors: 1, limit);
        await AssertLossIsToldAsync(loop, maxDescriptors: 2, limit: 3);
    }

    private static async Task AssertLossIsToldAsync(UnixEventLoop loop, int maxDescriptors, int limit)
    {
        using UnixHandle passed = new(PosixError.ThrowIfError(Libc.EventFd(), "eventfd"));
        (UnixHandle first, UnixHandle second) = NewPair(SOCK_STREAM);
        await using UnixStreamConnection sender = UnixStreamConnection.FromSocket(loop, first);
        await using UnixStreamConnection receiver = UnixStreamConnection.FromSocket(loop, second, new() { MaxDescriptors = maxDescriptors });
        (first, second) = NewPair(SOCK_DGRAM);
        await using UnixDatagramSocket from = UnixDatagramSocket.FromSocket(loop, first);
        await using UnixDatagramSocket to = UnixDatagramSocket.FromSocket(loop, second, new() { MaxDescriptors = maxDescriptors });

        Exception? failure;
        UnixDatagramReceiveResult datagram;
        int before = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(limit);
        try
        {
            Task<ReadResult> read = receiver.Input.ReadAsync().AsTask();
            await sender.SendDescriptorsAsync("stream"u8.ToArray(), [passed, passed]);
            failure = await Record.ExceptionAsync(() => read.WaitAsync(TestTimeout));
            await from.SendDescriptorsAsync("datagram"u8.ToArray(), [passed, passed]);
            datagram = await to.ReceiveAsync(new byte[100]).AsTask().WaitAsync(TestTimeout);
        }
        finally
        {
            TestLibc.SetDescriptorLimit(before);
        }
        Assert.Equal(ETOOMANYREFS, Assert.IsType<IOException>(failure).HResult);
        Assert.False(receiver.TryTakeDescriptor(out _));
        Assert.Equal(("datagram".Length, true), (datagram.Length, datagram.HasLostDescriptors));
        foreach (IDisposable descriptor in datagram.Descriptors)
            descriptor.Dispose();
    }

    private static (UnixHandle First, UnixHandle Second) NewPair(int type)
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(type, out int first, out int second), "socketpair");
        return (new UnixHandle(first), new UnixHandle(second));
    }
}
