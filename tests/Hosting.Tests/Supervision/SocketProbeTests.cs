using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using UnixLoop.Hosting.Supervision;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SocketProbeTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Wait_NoDescriptorForASocket_TriesAgain()
    {
        string name = $"probe-{Guid.NewGuid():N}";
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint('\0' + name));
        listener.Listen();
        var clock = new FakeTimeProvider();
        // Whatever the first wait makes the runtime load is there by now.
        await SocketProbe.WaitAsync('@' + name, clock, CancellationToken.None).WaitAsync(TestTimeout);

        using FullPool pool = await FullPool.StartAsync();
        int limit = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(LowestFreeDescriptor());
        Task waiting;
        try
        {
            waiting = SocketProbe.WaitAsync('@' + name, clock, CancellationToken.None);
        }
        finally
        {
            TestLibc.SetDescriptorLimit(limit);
        }

        Assert.False(waiting.IsCompleted, $"{waiting.Status}: {waiting.Exception?.InnerException?.Message}");
        clock.Advance(TimeSpan.FromMilliseconds(50));
        await waiting.WaitAsync(TestTimeout);
    }

    private static int LowestFreeDescriptor()
    {
        using var file = File.OpenHandle("/dev/null");
        return (int)file.DangerousGetHandle();
    }
}
