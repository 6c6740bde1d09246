using System.Buffers;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Keeps what a child writes up to a limit, and goes on reading and dropping beyond it, so that the child is not held up.</summary>
internal sealed class CaptureSink(int limit) : IReadSink
{
    /// <summary>A second read finds room in it after a short first one.</summary>
    private static readonly int s_smallestBuffer = 2 * PipeDefaults.LargestPacket;

    private byte[] _buffer = [];
    private byte[]? _dropped;
    private int _length;

    /// <summary>Bytes kept.</summary>
    internal int Length => _length;

    /// <summary>Whether bytes were dropped.</summary>
    internal bool IsTruncated { get; private set; }

    /// <summary>What ended the stream other than its end.</summary>
    internal Exception? Error { get; private set; }

    public void Attach(ReadPump pump)
    {
    }

    public Span<byte> GetSpan(int sizeHint)
    {
        if (_length == limit)
            return _dropped ??= ArrayPool<byte>.Shared.Rent(PipeDefaults.ReadBlock);
        if (_buffer.Length - _length < PipeDefaults.LargestPacket && _buffer.Length < Array.MaxLength)
            Grow();
        return _buffer.AsSpan(_length, Math.Min(_buffer.Length - _length, Math.Max(limit - _length, PipeDefaults.LargestPacket)));
    }

    public void Advance(int count)
    {
        int kept = Math.Min(count, limit - _length);
        _length += kept;
        IsTruncated |= kept < count;
    }

    public bool Flush() => true;

    public void Complete(Exception? error) => Error = error;

    /// <summary>What was kept, once the pump has ended; gives the buffers back.</summary>
    internal byte[] Take()
    {
        byte[] bytes = _length == 0 ? [] : _buffer.AsSpan(0, _length).ToArray();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        if (_dropped is not null)
            ArrayPool<byte>.Shared.Return(_dropped);
        _buffer = [];
        _dropped = null;
        _length = 0;
        return bytes;
    }

    private void Grow()
    {
        int size = (int)Math.Min(Array.MaxLength, Math.Max(s_smallestBuffer, _buffer.Length * 2L));
        byte[] grown = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _length).CopyTo(grown);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
    }
}
