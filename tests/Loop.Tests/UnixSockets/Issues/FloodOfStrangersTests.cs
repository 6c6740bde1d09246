using System.Diagnostics.Metrics;
using System.Globalization;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>Peers that may not connect, and that come again as fast as they are refused, held the loop for as long as they liked.</summary>
public sealed class FloodOfStrangersTests : ListenerTest
{
    private const int Most = 2000;
    private int _refused;
    private int _refusedWhenRun = -1;

    [Fact]
    public async Task Accept_RefusedPeersComeAtOnceAgain_LoopGoesOnWithItsOtherWork()
    {
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Name == "unixloop.listeners.refused")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (tags[0].Value as string != SocketPath)
                return;
            if (++_refused == 1)
                Loop.Post(() => _refusedWhenRun = _refused);
            if (_refused < Most)
                RawSocket.Connected(SocketPath).Dispose();
        });
        listener.Start();
        await using UnixStreamListener server = await BindAsync(
            SocketPath, new() { AllowedUsers = [(Environment.IsPrivilegedProcess ? 4711 : 0).ToString(CultureInfo.InvariantCulture)] });
        Task<UnixStreamConnection?> accepting = server.AcceptAsync().AsTask();
        RawSocket.Connected(SocketPath).Dispose();
        Eventually.True(() => Volatile.Read(ref _refused) >= Most, "all have been refused");
        await SettleAsync();
        Assert.InRange(_refusedWhenRun, 1, 300);
        server.Close();
        Assert.Null(await accepting.WaitAsync(TestTimeout));
    }
}
