using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>A pipe that a pump may grow, and how a test brings it to that.</summary>
public abstract class GrownPipeTest : PipeTest
{
    /// <summary>What epoll may have of a pipe's read end.</summary>
    private protected static readonly uint Levels = (uint)EPOLLIN;

    private protected static readonly uint Edges = (uint)(EPOLLIN | EPOLLET);

    internal const int PagesOfOne = PipeDefaults.GrownCapacity / 4096;

    internal UnixHandle ReadEnd { get; private set; } = null!;

    internal UnixHandle WriteEnd { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (ReadEnd, WriteEnd) = NewPipe();
    }

    internal ReadPump NewPump(PipeBudget budget, CountingSink? sink = null) =>
        new(Loop, ReadEnd, sink ?? new CountingSink(), Owner, budget, NullLogger.Instance);

    /// <summary>The loop finds the pipe full: it can't read while it fills it.</summary>
    protected async Task FillOnTheLoopAsync()
    {
        await Loop.InvokeAsync(() => Fill(WriteEnd)).WaitAsync(TestTimeout);
        await SettleAsync();
    }

    internal async Task<(ReadPump Pump, CountingSink Sink)> StartGrownAsync(int mostRoom = int.MaxValue)
    {
        var sink = new CountingSink { MostRoom = mostRoom };
        ReadPump pump = NewPump(new PipeBudget(PagesOfOne), sink);
        pump.Start();
        await GrowAsync();
        return (pump, sink);
    }

    /// <summary>What the loop's epoll has of the read end, without what it always has.</summary>
    private protected uint RegisteredEvents() =>
        EpollEntry.All().Single(entry => entry.Target == ReadEnd.Descriptor).Events & ~(uint)(EPOLLERR | EPOLLHUP);

    protected async Task GrowAsync()
    {
        for (int i = 0; i < 2; i++)
            await FillOnTheLoopAsync();
        Assert.Equal(PipeDefaults.GrownCapacity, CapacityOf(WriteEnd));
    }

    internal sealed class CountingSink : IReadSink
    {
        private byte[] _room = [];
        private long _total;
        private bool _isFull;

        /// <summary>Rooms are no larger.</summary>
        internal int MostRoom { get; init; } = int.MaxValue;

        internal int LastRead { get; private set; }

        internal int LastRoom { get; private set; }

        internal long Total => Volatile.Read(ref _total);

        internal bool IsFull { get => Volatile.Read(ref _isFull); set => Volatile.Write(ref _isFull, value); }

        public void Attach(ReadPump pump)
        {
        }

        public Span<byte> GetSpan(int sizeHint)
        {
            LastRoom = sizeHint;
            int size = Math.Min(sizeHint, MostRoom);
            if (_room.Length < size)
                _room = new byte[size];
            return _room.AsSpan(0, size);
        }

        public void Advance(int count)
        {
            LastRead = count;
            Volatile.Write(ref _total, _total + count);
        }

        public bool Flush() => !IsFull;

        public void Complete(Exception? error)
        {
        }
    }
}
