using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class LoopSignalHandlersTests : IDisposable
{
    private readonly FakeRegistrations _registrations = new();
    private readonly FakeLoop _loop;

    public LoopSignalHandlersTests() => _loop = new FakeLoop(_registrations.Hub);

    public void Dispose() => _loop.Dispose();

    [Fact]
    public void Delivery_OfAPlainHandler_IsQueuedAndNeverRunsInside()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () => calls++);

        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal(0, calls);
        _loop.Turn();
        Assert.Equal(1, calls);
        _loop.Turn();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Delivery_Twice_IsToldTwice()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () => calls++);
        for (int i = 1; i <= 2; i++)
        {
            _registrations.Raise(UnixSignal.Usr1);
            _loop.Turn();
            Assert.Equal(i, calls);
        }
    }

    [Fact]
    public void Delivery_OfAStandardSignalWhileOneIsQueued_Coalesces()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () => calls++);
        for (int i = 0; i < 1000; i++)
            _registrations.Raise(UnixSignal.Usr1);
        Assert.Equal(1, _loop.PostCount);
        _loop.Turn();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Delivery_OfAStandardSignalDuringTheCallback_IsToldOnceMore()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () =>
        {
            if (++calls == 1)
                _registrations.Raise(UnixSignal.Usr1);
        });
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Turn();
        _loop.Turn();
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Delivery_OfARealTimeSignal_IsNeverLost()
    {
        int calls = 0;
        var signal = UnixSignal.RealTime(1);
        _loop.Handlers.Add(signal, () => calls++);
        for (int i = 0; i < 1000; i++)
            _registrations.Raise(signal);
        _loop.Turn();
        Assert.Equal(1000, calls);
    }

    [Fact]
    public void Add_WithState_HandsItOver()
    {
        List<string> told = [];
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "state");
        _loop.Handlers.Add(UnixSignal.Usr2, number => told.Add($"{number}"), 7);
        _registrations.Raise(UnixSignal.Usr1);
        _registrations.Raise(UnixSignal.Usr2);
        _loop.Turn();
        Assert.Equal(["state", "7"], told);
    }

    [Fact]
    public void Add_Again_ReplacesWithinOneRegistration()
    {
        List<string> told = [];
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "first");
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "second");
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Turn();

        Assert.Equal(["second"], told);
        Assert.Equal((1, 0), (_registrations.Installations, _registrations.Disposals));
        Assert.True(_loop.Handlers.Remove(UnixSignal.Usr1));
        Assert.False(_loop.Handlers.Remove(UnixSignal.Usr1));
    }

    [Fact]
    public void Add_AgainWithADeliveryQueued_TellsItToTheNewHandler()
    {
        List<string> told = [];
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "first");
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "second");
        _loop.Turn();
        Assert.Equal(["second"], told);
    }

    [Fact]
    public void Remove_WithADeliveryQueued_ForgetsIt()
    {
        List<string> told = [];
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "first");
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Remove(UnixSignal.Usr1);
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "second");
        _loop.Turn();
        Assert.Empty(told);

        _registrations.Raise(UnixSignal.Usr1);
        _loop.Turn();
        Assert.Equal(["second"], told);
    }

    [Fact]
    public void Remove_InItsOwnCallback_Works()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () => { calls++; Assert.True(_loop.Handlers.Remove(UnixSignal.Usr1)); });
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Turn();
        Assert.False(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal((1, 1), (calls, _registrations.Disposals));
    }

    [Fact]
    public void Remove_WithoutAHandler_IsFalse()
    {
        Assert.False(_loop.Handlers.Remove(UnixSignal.Usr1));
        Assert.False(_loop.Handlers.Remove(UnixSignal.Kill)); // no error: it can have none
        Assert.Throws<ArgumentException>(() => _loop.Handlers.Remove(default));
    }

    [Fact]
    public void Add_InstallationFails_LeavesNoHandler()
    {
        _registrations.Failure = new IOException("refused");
        Assert.Throws<IOException>(() => _loop.Handlers.Add(UnixSignal.Usr1, () => { }));
        Assert.False(_loop.Handlers.Remove(UnixSignal.Usr1));
    }

    [Fact]
    public void Callback_Throws_IsReportedAndTheNextOneRuns()
    {
        int calls = 0;
        _loop.Handlers.Add(UnixSignal.Usr1, () => throw new InvalidOperationException($"call {++calls}"));
        for (int i = 0; i < 2; i++)
        {
            _registrations.Raise(UnixSignal.Usr1);
            _loop.Turn();
            _loop.Turn(); // the report is a post of its own
        }
        Assert.Equal(["call 1", "call 2"], _loop.Reports.Select(report => report.Exception.Message));
        Assert.All(_loop.Reports, report => Assert.Contains("SIGUSR1", report.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void TwoLoops_OneSignal_BothAreTold()
    {
        using var other = new FakeLoop(_registrations.Hub, "other");
        List<string> told = [];
        _loop.Handlers.Add(UnixSignal.Usr1, told.Add, "one");
        other.Handlers.Add(UnixSignal.Usr1, told.Add, "other");
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Turn();
        other.Turn();
        Assert.Equal(["one", "other"], told);

        _loop.Handlers.CloseAll();
        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        other.Turn();
        Assert.Equal(["one", "other", "other"], told);
        Assert.Equal(0, _registrations.Disposals);
    }

    [Fact]
    public void CloseAll_RemovesEveryHandlerOnce()
    {
        _loop.Handlers.Add(UnixSignal.Usr1, () => { });
        _loop.Handlers.Add(UnixSignal.Usr2, _ => ValueTask.CompletedTask);
        _loop.Handlers.CloseAll();
        _loop.Handlers.CloseAll();
        Assert.Equal(2, _registrations.Disposals);
        Assert.False(_loop.Handlers.Remove(UnixSignal.Usr1));
    }

    [Fact]
    public void Delivery_LoopHasStoppedButNotClosed_IsDroppedQuietly()
    {
        _loop.Handlers.Add(UnixSignal.Usr1, () => Assert.Fail("must not run"));
        _loop.HasStopped = true;
        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Contains("SignalDropped", _loop.EventNames);
        Assert.Empty(_loop.Reports);
    }

    [Fact]
    public void Logs_AtDebug_NameTheEvents()
    {
        _loop.Handlers.Add(UnixSignal.Usr1, () => { });
        _loop.Handlers.Add(UnixSignal.Usr1, () => { });
        _registrations.Raise(UnixSignal.Usr1);
        _loop.Handlers.Remove(UnixSignal.Usr1);
        Assert.Equal(["SignalHandlerAdded", "SignalHandlerReplaced", "SignalReceived", "SignalHandlerRemoved"], _loop.EventNames);
        Assert.All(_loop.LogLines, line => Assert.StartsWith("Debug Loop test: ", line, StringComparison.Ordinal));
        Assert.Contains("Debug Loop test: SIGUSR1 received", _loop.LogLines);
    }

    [Fact]
    public void Metric_EachDelivery_IsCountedBySignal()
    {
        using var received = new MetricCollector<long>(_loop.Meter, "unixloop.signals.received");
        _loop.Handlers.Add(UnixSignal.Usr1, () => { });
        _loop.Handlers.Add(UnixSignal.RealTime(2), _ => ValueTask.CompletedTask);
        _registrations.Raise(UnixSignal.Usr1);
        _registrations.Raise(UnixSignal.Usr1);
        _registrations.Raise(UnixSignal.RealTime(2));

        Assert.Equal("{signal}", received.Instrument!.Unit);
        IReadOnlyList<CollectedMeasurement<long>> all = received.GetMeasurementSnapshot();
        Assert.Equal(["SIGUSR1", "SIGUSR1", "SIGRTMIN+2"], all.Select(one => one.Tags["signal"]));
        Assert.All(all, one => Assert.Equal((1L, "test"), (one.Value, one.Tags["unixloop.loop.name"])));
    }

    [Fact]
    public void Metric_ListenerThrows_TheHandlerIsCalledAllTheSame()
    {
        int calls = 0;
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, l) => { if (instrument.Meter == _loop.Meter) l.EnableMeasurementEvents(instrument); };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("listener"));
        listener.Start();
        _loop.Handlers.Add(UnixSignal.Usr1, () => calls++);

        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        _loop.Turn();
        Assert.Equal(1, calls);
        Assert.Empty(_loop.Reports);
    }
}
