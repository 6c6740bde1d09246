namespace UnixLoop.Subprocesses;

/// <summary>Remembers the last bytes of a stream, for the message of an exception.</summary>
internal sealed class TailBuffer(int capacity)
{
    // Twice the capacity, so that moving the tail to the front is rare.
    private byte[] _bytes = [];
    private int _length;

    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(Math.Max(0, _length - capacity), Math.Min(_length, capacity));

    internal void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (_bytes.Length == 0)
            _bytes = new byte[capacity * 2];
        if (bytes.Length > capacity)
            bytes = bytes[^capacity..];
        if (_length + bytes.Length > _bytes.Length)
        {
            Bytes.CopyTo(_bytes);
            _length = Math.Min(_length, capacity);
        }
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }
}
