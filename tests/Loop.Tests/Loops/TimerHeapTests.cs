using UnixLoop.Timers;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class TimerHeapTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Heap_RandomArmMoveDisarm_YieldsTheEarliestAsASortedListWould(int seed)
    {
        var random = new Random(seed);
        var heap = new TimerHeap();
        LoopTimer[] timers = [.. Enumerable.Range(0, 200).Select(_ => new LoopTimer(null!, static _ => { }, null, outlivesLoop: false))];
        Dictionary<LoopTimer, (long Deadline, int Order)> model = [];
        for (int step = 0; step < 20_000; step++)
        {
            LoopTimer timer = timers[random.Next(timers.Length)];
            if (random.Next(3) == 0)
            {
                heap.Disarm(timer);
                model.Remove(timer);
            }
            else
            {
                long deadline = random.Next(50);
                heap.Arm(timer, deadline);
                model[timer] = (deadline, step);
            }
            Assert.Equal(model.Count, heap.Count);
            LoopTimer? expected = model.Count == 0 ? null : model.MinBy(pair => pair.Value).Key;
            Assert.Same(expected, heap.First);
        }
        foreach (LoopTimer timer in timers)
            heap.Disarm(timer);
        Assert.Equal(0, heap.Count);
        Assert.Null(heap.First);
    }
}
