using System.Buffers;
using System.Text;
using UnixLoop.Hosting.Connections;

namespace UnixLoop.Hosting.Tests.Lifetime;

/// <summary>Requests are told from bodies, however the bytes are cut.</summary>
public sealed class RequestLineTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true)]
    [InlineData("GET / HTTP/1.1\r\n", true)]
    [InlineData("\r\n\r\nPOST /a?b=c HTTP/1.0\r\n", true)]
    [InlineData("M-SEARCH * HTTP/1.1\n", true)]
    [InlineData("x / HTTP/1.1\r\n", true)]
    [InlineData("", false)]
    [InlineData("\r\n", false)]
    [InlineData("GET / HTTP/1.1", false)]
    [InlineData("GET / HTTP/1.1 \r\n", false)]
    [InlineData("GET /\r\n", false)]
    [InlineData("Referer: GET / HTTP/1.1\r\n", false)]
    [InlineData("{ \"a\": \"GET / HTTP/1.1\" }\r\n", false)]
    [InlineData("a=b&c=d", false)]
    [InlineData(" / HTTP/1.1\r\n", false)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false)]
    [InlineData("averyveryverylongwordthatnomethodis / HTTP/1.1\r\n", false)]
    public void Begins_WholeOrInPieces_IsTheSame(string text, bool expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);

        Assert.Equal(expected, RequestLine.Begins(new ReadOnlySequence<byte>(bytes)));
        for (int size = 1; size < bytes.Length; size++)
            Assert.Equal(expected, RequestLine.Begins(Piece.Cut(bytes, size)));
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        private Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        internal static ReadOnlySequence<byte> Cut(byte[] bytes, int size)
        {
            Piece first = new(bytes.AsMemory(0, size), 0);
            Piece last = first;
            for (int at = size; at < bytes.Length; at += size)
            {
                Piece next = new(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), at);
                last.Next = next;
                last = next;
            }
            return new(first, 0, last, last.Memory.Length);
        }
    }
}
