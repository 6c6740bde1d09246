using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>One readiness takes a turn's share and no more (cpython: _read_ready reads at most max_size).</summary>
public sealed class ReadTurnTests : PipeTest
{
    /// <summary>The last room of a share was used whole, so that the share was passed by up to a block.</summary>
    [Theory, InlineData(PipeDefaults.ReadBlock), InlineData(PipeDefaults.ReadBlock - 4096)]
    public async Task Read_MoreThanATurnsShareIsThere_IsTakenInShares(int room)
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        Requires.That(Libc.Fcntl(write.Descriptor, F_SETPIPE_SZ, PipeDefaults.LargestCapacity).IsSuccess, "pipes of 1 MiB");
        int total = Fill(write);
        Assert.Equal(4 * PipeDefaults.BytesPerTurn, total);
        var sink = new SharesSink(room);
        var pump = new ReadPump(Loop, read, sink, Owner, budget: null, NullLogger.Instance);
        pump.Start();
        Eventually.True(() => Volatile.Read(ref sink.Total) == total, "all of it");
        await SettleAsync();
        Assert.Equal([PipeDefaults.BytesPerTurn, PipeDefaults.BytesPerTurn, PipeDefaults.BytesPerTurn, PipeDefaults.BytesPerTurn], sink.Shares);
        pump.Close(null);
        write.Dispose();
    }

    private sealed class SharesSink(int length) : IReadSink
    {
        private readonly byte[] _room = new byte[length];
        private int _share;

        internal int Total;

        /// <summary>What came between one flush and the next: a readiness ends with one.</summary>
        internal List<int> Shares { get; } = [];

        public void Attach(ReadPump pump)
        {
        }

        public Span<byte> GetSpan(int sizeHint) => _room;

        public void Advance(int count)
        {
            _share += count;
            Volatile.Write(ref Total, Total + count);
        }

        public bool Flush()
        {
            Shares.Add(_share);
            _share = 0;
            return true;
        }

        public void Complete(Exception? error)
        {
        }
    }
}
