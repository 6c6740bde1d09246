using System.Buffers;

namespace UnixLoop.Subprocesses;

/// <summary>Bytes that were read at one time from one stream, in a rented array.</summary>
internal readonly record struct Chunk(byte[] Buffer, int Length, LineSource Source)
{
    internal ReadOnlySpan<byte> Bytes => Buffer.AsSpan(0, Length);

    internal static Chunk CopyOf(ReadOnlySpan<byte> bytes, LineSource source)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new Chunk(buffer, bytes.Length, source);
    }

    internal void Return() => ArrayPool<byte>.Shared.Return(Buffer);
}
