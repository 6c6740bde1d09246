namespace UnixLoop.Hosting.Tests.Lifetime;

public sealed class ShutdownSequenceTests
{
    private readonly ShutdownSequence _sequence = new();

    [Fact]
    public void Signal_DuringStart_CancelsTheStart()
    {
        Assert.Equal(ShutdownStep.CancelStart, _sequence.OnSignal());
        Assert.False(_sequence.OnStarted(delayed: true));
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
    }

    [Fact]
    public void Signal_WithoutDelay_StopsThenExits()
    {
        Assert.True(_sequence.OnStarted(delayed: false));
        Assert.Equal(ShutdownStep.Stop, _sequence.OnSignal());
        _sequence.OnStopping();
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
        Assert.Equal(ShutdownStep.None, _sequence.OnSignal());
    }

    [Fact]
    public void Signal_WithDelay_DrainsThenSkipsThenExits()
    {
        _sequence.OnStarted(delayed: true);
        Assert.Equal(ShutdownStep.Drain, _sequence.OnSignal());
        Assert.Equal(ShutdownStep.Stop, _sequence.OnSignal());
        Assert.False(_sequence.OnDelayElapsed());
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
    }

    [Fact]
    public void Delay_Elapsed_StopsOnce()
    {
        _sequence.OnStarted(delayed: true);
        _sequence.OnSignal();
        Assert.True(_sequence.OnDelayElapsed());
        Assert.False(_sequence.OnDelayElapsed());
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
    }

    [Fact]
    public void Signal_WhileStoppingUnasked_IsTheFirstOne()
    {
        _sequence.OnStarted(delayed: true);
        _sequence.OnStopping();
        Assert.Equal(ShutdownStep.AlreadyStopping, _sequence.OnSignal());
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
    }

    [Fact]
    public void Stopping_WhileDraining_EndsTheDelay()
    {
        _sequence.OnStarted(delayed: true);
        _sequence.OnSignal();
        _sequence.OnStopping();
        Assert.False(_sequence.OnDelayElapsed());
        Assert.Equal(ShutdownStep.Exit, _sequence.OnSignal());
    }

    [Fact]
    public void Started_AfterAStop_IsRefused()
    {
        _sequence.OnStopping();
        Assert.False(_sequence.OnStarted(delayed: false));
        Assert.Equal(ShutdownStep.AlreadyStopping, _sequence.OnSignal());
    }

    [Fact]
    public async Task Signals_Racing_ExitOnce()
    {
        for (int round = 0; round < 50; round++)
        {
            var sequence = new ShutdownSequence();
            sequence.OnStarted(delayed: true);
            using var gate = new Barrier(4);
            ShutdownStep[] steps = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    gate.SignalAndWait();
                    return sequence.OnSignal();
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(TestTimeout);

            Assert.Equal([ShutdownStep.None, ShutdownStep.Drain, ShutdownStep.Stop, ShutdownStep.Exit], steps.Order());
        }
    }
}
