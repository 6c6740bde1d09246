using System.Buffers;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Keeps what a child writes up to a limit, and goes on reading and dropping beyond it, so that the child is not held up.</summary>
internal sealed class CaptureSink(int limit) : IReadSink
{
    /// <summary>A second read finds room in it after a short first one.</summary>
    private static readonly int s_smallestBuffer = 2 * PipeDefaults.LargestPacket;

    private byte[] _buffer = [];
    private int _length;

    /// <summary>Room for reads once less than a packet is left to the limit: what is kept of them is copied.</summary>
    private byte[]? _spill;

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
        int left = limit - _length;
        if (left < PipeDefaults.LargestPacket)
            return _spill ??= ArrayPool<byte>.Shared.Rent(PipeDefaults.ReadBlock);
        if (_buffer.Length - _length < PipeDefaults.LargestPacket)
            Grow();
        return _buffer.AsSpan(_length, Math.Min(_buffer.Length - _length, left));
    }

    public void Advance(int count)
    {
        int kept = Math.Min(count, limit - _length);
        if (_spill is not null)
        {
            if (_buffer.Length - _length < kept)
                Grow();
            _spill.AsSpan(0, kept).CopyTo(_buffer.AsSpan(_length));
        }
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
        if (_spill is not null)
            ArrayPool<byte>.Shared.Return(_spill);
        _buffer = [];
        _spill = null;
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
