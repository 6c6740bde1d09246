using System.Diagnostics.Metrics;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>A listener of the metrics that throws failed reads and writes whose bytes were through, and kept connections open.</summary>
public sealed class ThrowingListenerTests : ListenerTest
{
    [Fact]
    public async Task Connection_FromItsMakingToItsEnd_WorksAllTheSame()
    {
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == Loop.Meter)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidTimeZoneException("a listener's"));
        listener.Start();
        (UnixHandle one, UnixHandle other) = ConnectionTest.NewSocketPair();
        UnixStreamConnection writer = UnixStreamConnection.FromSocket(Loop, one);
        UnixStreamConnection reader = UnixStreamConnection.FromSocket(Loop, other);
        await writer.Output.WriteAsync("x"u8.ToArray()).AsTask().WaitAsync(TestTimeout);
        var read = await reader.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal(1, read.Buffer.Length);
        reader.Input.AdvanceTo(read.Buffer.End);
        await DisposeAsync(writer);
        Assert.True((await reader.Input.ReadAsync().AsTask().WaitAsync(TestTimeout)).IsCompleted);
        await DisposeAsync(reader);
    }
}
