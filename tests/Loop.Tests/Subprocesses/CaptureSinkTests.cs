using UnixLoop.Subprocesses;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class CaptureSinkTests
{
    [Theory]
    [InlineData(0, 100, 0, false)]
    [InlineData(6, 100, 6, false)]
    [InlineData(100, 100, 100, false)]
    [InlineData(101, 100, 100, true)]
    [InlineData(1_000_000, 100, 100, true)]
    [InlineData(2, 1, 1, true)]
    [InlineData(4097, 4095, 4095, true)]
    [InlineData(4097, 4096, 4096, true)]
    [InlineData(4097, 4097, 4097, false)]
    [InlineData(10_000, 8191, 8191, true)]
    [InlineData(10_000, 8192, 8192, true)]
    [InlineData(10_000, 8193, 8193, true)]
    [InlineData(1_000_000, 10_000_000, 1_000_000, false)]
    [InlineData(1_000_000, 1_000_000, 1_000_000, false)]
    [InlineData(1, 0, 0, true)]
    [InlineData(0, 0, 0, false)]
    public void Take_AfterManyReads_HasTheFirstBytesUpToTheLimit(int written, int limit, int kept, bool truncated)
    {
        var sink = new CaptureSink(limit);
        int at = 0;
        while (at < written)
        {
            Span<byte> room = sink.GetSpan(PipeDefaults.SmallestRead);
            Assert.InRange(room.Length, PipeDefaults.LargestPacket, int.MaxValue);
            int count = Math.Min(Math.Min(room.Length, 5000), written - at);
            for (int i = 0; i < count; i++)
                room[i] = (byte)((at + i) % 251);
            sink.Advance(count);
            at += count;
        }
        _ = sink.GetSpan(PipeDefaults.SmallestRead); // for the read that finds the end
        sink.Complete(null);
        byte[] bytes = sink.Take();
        Assert.Equal(kept, bytes.Length);
        Assert.True(Enumerable.Range(0, kept).All(i => bytes[i] == (byte)(i % 251)));
        Assert.Equal(truncated, sink.IsTruncated);
    }
}
