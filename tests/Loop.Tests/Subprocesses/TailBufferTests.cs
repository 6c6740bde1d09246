using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class TailBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public void Bytes_HoweverAppended_AreTheLastOnes(int size)
    {
        byte[] all = [.. Enumerable.Range(0, 95).Select(i => (byte)i)];
        var tail = new TailBuffer(10);
        int seen = 0;
        foreach (byte[] part in all.Chunk(size))
        {
            tail.Append(part);
            seen += part.Length;
            Assert.Equal(all[..seen].TakeLast(10), tail.Bytes.ToArray());
        }
    }
}
