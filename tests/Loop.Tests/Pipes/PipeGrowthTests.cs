using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class PipeGrowthTests : PipeTest
{
    private const int PagesOfOne = PipeDefaults.GrownCapacity / 4096;

    private UnixHandle _read = null!;
    private UnixHandle _write = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_read, _write) = NewPipe();
    }

    [Fact]
    public async Task Rule13_FoundFullTwice_GrowsOnceAndGivesItsShareBack()
    {
        var budget = new PipeBudget(PagesOfOne);
        ReadPump pump = NewPump(budget);
        Assert.Equal(PipeDefaults.Capacity, Fill(_write));
        pump.Start();
        await SettleAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, CapacityOf(_write));
        Assert.Equal(0, budget.PagesLeft);
        pump.Close(null);
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_FullButNotTwiceInARow_StaysSmall()
    {
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne));
        pump.Start();
        for (int i = 0; i < 3; i++)
        {
            await FillOnTheLoopAsync();
            Libc.Write(_write.Descriptor, "x"u8);
            await SettleAsync();
        }
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_AGrownPipeThatIsFull_IsEmptiedInOneRead_AndASlowOneTakesNoLargeBlock()
    {
        var sink = new CountingSink();
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        for (int i = 0; i < 3; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, sink.LastRead);
        Libc.Write(_write.Descriptor, "x"u8);
        await SettleAsync();
        Libc.Write(_write.Descriptor, "x"u8);
        await SettleAsync();
        Assert.Equal((1, PipeDefaults.SmallestRead), (sink.LastRead, sink.LastRoom));
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public async Task Rule13_BudgetUsedUp_StaysSmall()
    {
        var budget = new PipeBudget(PagesOfOne - 1);
        ReadPump pump = NewPump(budget);
        pump.Start();
        for (int i = 0; i < 4; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(_write));
        Assert.Equal(PagesOfOne - 1, budget.PagesLeft);
        pump.Close(null);
        _write.Dispose();
    }

    [Fact]
    public void Rule13_NotAPipe_IsLeftAloneAndCostsNothing()
    {
        var budget = new PipeBudget(PagesOfOne);
        using UnixHandle event_ = new(Libc.EventFd().IntValue);
        Assert.False(budget.TryGrow(event_.Descriptor));
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        Assert.True(budget.TryGrow(_read.Descriptor));
        _read.Dispose();
        _write.Dispose();
    }

    [Fact]
    public void Rule13_TheSharedBudget_IsAQuarterOfTheSoftLimit()
    {
        int limit = int.Parse(File.ReadAllText("/proc/sys/fs/pipe-user-pages-soft"));
        Assert.Equal((limit == 0 ? 16384 : limit) / 4, PipeBudget.Shared.PagesLeft);
        _read.Dispose();
        _write.Dispose();
    }

    /// <summary>The loop finds the pipe full: it can't read while it fills it.</summary>
    private async Task FillOnTheLoopAsync()
    {
        await Loop.InvokeAsync(() => Fill(_write)).WaitAsync(TestTimeout);
        await SettleAsync();
    }

    private ReadPump NewPump(PipeBudget budget, CountingSink? sink = null) =>
        new(Loop, _read, sink ?? new CountingSink(), Owner, budget, NullLogger.Instance);

    private sealed class CountingSink : IReadSink
    {
        internal int LastRead { get; private set; }

        internal int LastRoom { get; private set; }

        public void Attach(ReadPump pump)
        {
        }

        public Span<byte> GetSpan(int sizeHint)
        {
            LastRoom = sizeHint;
            return new byte[sizeHint];
        }

        public void Advance(int count) => LastRead = count;

        public bool Flush() => true;

        public void Complete(Exception? error)
        {
        }
    }
}
