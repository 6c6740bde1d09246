using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class PipeGrowthTests : GrownPipeTest
{
    [Fact]
    public async Task Rule13_FoundFullTwice_GrowsOnceAndGivesItsShareBack()
    {
        var budget = new PipeBudget(PagesOfOne);
        ReadPump pump = NewPump(budget);
        Assert.Equal(PipeDefaults.Capacity, Fill(WriteEnd));
        pump.Start();
        await SettleAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(WriteEnd));
        await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, CapacityOf(WriteEnd));
        Assert.Equal(0, budget.PagesLeft);
        pump.Close(null);
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        WriteEnd.Dispose();
    }

    [Fact]
    public async Task Rule13_FullButNotTwiceInARow_StaysSmall()
    {
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne));
        pump.Start();
        for (int i = 0; i < 3; i++)
        {
            await FillOnTheLoopAsync();
            Libc.Write(WriteEnd.Descriptor, "x"u8);
            await SettleAsync();
        }
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(WriteEnd));
        pump.Close(null);
        WriteEnd.Dispose();
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
        Libc.Write(WriteEnd.Descriptor, "x"u8);
        await SettleAsync();
        Libc.Write(WriteEnd.Descriptor, "x"u8);
        await SettleAsync();
        Assert.Equal((1, PipeDefaults.SmallestRead), (sink.LastRead, sink.LastRoom));
        pump.Close(null);
        WriteEnd.Dispose();
    }

    [Fact]
    public async Task Rule13_BudgetUsedUp_StaysSmall()
    {
        var budget = new PipeBudget(PagesOfOne - 1);
        ReadPump pump = NewPump(budget);
        pump.Start();
        for (int i = 0; i < 4; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.Capacity, CapacityOf(WriteEnd));
        Assert.Equal(PagesOfOne - 1, budget.PagesLeft);
        pump.Close(null);
        WriteEnd.Dispose();
    }

    [Fact]
    public void Rule13_NotAPipe_IsLeftAloneAndCostsNothing()
    {
        var budget = new PipeBudget(PagesOfOne);
        using UnixHandle event_ = new(Libc.EventFd().IntValue);
        Assert.False(budget.TryGrow(event_.Descriptor));
        Assert.Equal(PagesOfOne, budget.PagesLeft);
        Assert.True(budget.TryGrow(ReadEnd.Descriptor));
        ReadEnd.Dispose();
        WriteEnd.Dispose();
    }

    [Fact]
    public void Rule13_TheSharedBudget_IsAQuarterOfTheSoftLimit()
    {
        int limit = int.Parse(File.ReadAllText("/proc/sys/fs/pipe-user-pages-soft"));
        Assert.Equal((limit == 0 ? 16384 : limit) / 4, PipeBudget.Shared.PagesLeft);
        ReadEnd.Dispose();
        WriteEnd.Dispose();
    }
}
