using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using UnixLoop.Scheduling;

namespace UnixLoop.Loop.Tests.Loops;

/// <summary>The queue by itself: order, growth, and that an item that was accepted is there after the close.</summary>
public sealed class WorkQueueTests
{
    private static readonly Action<object?> Unused = static _ => { };

    [Fact]
    public void TryDequeue_OfOneWriter_KeepsTheOrderThroughEveryGrowth()
    {
        var queue = new WorkQueue();
        object[] states = [.. Enumerable.Range(0, 5000).Select(i => (object)i)];

        foreach (object state in states)
            Assert.True(queue.TryEnqueue(WorkItem.From(Unused, state)));

        Assert.Equal(states.Length, queue.Count);
        Assert.Equal(states, Drain(queue));
        Assert.True(queue.IsEmpty);
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void TryEnqueue_OverManyRoundsOfTheRing_LosesNothing()
    {
        var queue = new WorkQueue();
        for (int i = 0; i < 1000; i++)
        {
            object state = i;
            Assert.True(queue.TryEnqueue(WorkItem.From(Unused, state)));
            Assert.True(queue.TryEnqueue(WorkItem.From(Unused, state)));
            Assert.Equal([state, state], Drain(queue));
        }
    }

    [Fact]
    public void TryEnqueue_AfterClose_IsRefused()
    {
        var queue = new WorkQueue();
        Assert.True(queue.TryEnqueue(WorkItem.From(Unused, "before")));

        queue.Close();

        Assert.True(queue.IsClosed);
        Assert.False(queue.TryEnqueue(WorkItem.From(Unused, "after")));
        Assert.Equal(["before"], Drain(queue));
    }

    [Fact]
    public void TryDequeue_Taken_LetsGoOfCallbackAndState()
    {
        var queue = new WorkQueue();
        WeakReference taken = EnqueueAndTake(queue);

        GC.Collect();

        Assert.False(taken.IsAlive);
        GC.KeepAlive(queue);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference EnqueueAndTake(WorkQueue queue)
    {
        object state = new();
        queue.TryEnqueue(WorkItem.From(Unused, state));
        Assert.True(queue.TryDequeue(out _));
        return new WeakReference(state);
    }

    // Writers race one another, the reader, the growth and the close; what they were told must agree with what came out.
    [Fact]
    public void Close_WithWritersAtWork_KeepsWhatWasAcceptedAndNothingElse()
    {
        for (int round = 0; round < 50; round++)
        {
            var queue = new WorkQueue();
            var accepted = new ConcurrentBag<object>();
            var taken = new List<object?>();
            Thread[] writers = [.. Enumerable.Range(0, 3).Select(writer => new Thread(() =>
            {
                for (int i = 0; i < 5000; i++)
                {
                    object state = (writer, i);
                    if (!queue.TryEnqueue(WorkItem.From(Unused, state)))
                        return;
                    accepted.Add(state);
                }
            }))];
            foreach (Thread writer in writers)
                writer.Start();
            while (taken.Count < 500)
            {
                if (queue.TryDequeue(out WorkItem item))
                    taken.Add(item.State);
            }

            queue.Close();
            taken.AddRange(Drain(queue));

            foreach (Thread writer in writers)
                Assert.True(writer.Join(TestTimeouts.TestTimeout));
            Assert.True(queue.IsEmpty);
            Assert.Equal(accepted.Count, taken.Count);
            Assert.Equal(accepted.ToHashSet(), taken.ToHashSet()!);
            for (int writer = 0; writer < writers.Length; writer++)
            {
                int[] order = [.. taken.Select(state => ((int Writer, int At))state!).Where(state => state.Writer == writer).Select(state => state.At)];
                Assert.Equal(order.Order(), order);
            }
        }
    }

    private static List<object?> Drain(WorkQueue queue)
    {
        var states = new List<object?>();
        while (queue.TryDequeue(out WorkItem item))
            states.Add(item.State);
        return states;
    }
}
