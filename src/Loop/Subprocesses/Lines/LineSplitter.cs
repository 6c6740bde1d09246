using System.Buffers;
using System.Text;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Cuts one stream into lines. A line ends with \n or \r\n; the last one also without. Bytes become text a whole line at a time,
/// so that a character may be split between two reads.
/// </summary>
internal sealed class LineSplitter(LineFormat format)
{
    // One byte more than the limit: it may be the \r of the line end.
    private readonly int _keep = format.MaxBytes + 1;
    private byte[] _partial = [];
    private int _partialLength;
    private bool _dropped;

    /// <summary>Takes the next line off <paramref name="bytes"/>. False if it has no line end: then all of it was taken in.</summary>
    internal bool TryTakeLine(ref ReadOnlySpan<byte> bytes, out SubprocessLine line)
    {
        int end = bytes.IndexOf((byte)'\n');
        if (end < 0)
        {
            Keep(bytes);
            bytes = default;
            line = default;
            return false;
        }
        ReadOnlySpan<byte> rest = bytes[..end];
        bytes = bytes[(end + 1)..];
        if (_partialLength == 0 && !_dropped)
        {
            line = ToLine(rest, cut: false);
            return true;
        }
        Keep(rest);
        line = TakePartial(hasLineEnd: true);
        return true;
    }

    /// <summary>The stream has ended: what stands after the last line end, if anything.</summary>
    internal bool TryTakeLast(out SubprocessLine line)
    {
        bool any = _partialLength > 0 || _dropped;
        line = any ? TakePartial(hasLineEnd: false) : default;
        Release();
        return any;
    }

    internal void Release()
    {
        if (_partial.Length > 0)
            ArrayPool<byte>.Shared.Return(_partial);
        _partial = [];
        _partialLength = 0;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        int kept = Math.Min(bytes.Length, _keep - _partialLength);
        _dropped |= kept < bytes.Length;
        if (_partialLength + kept > _partial.Length)
            Grow(_partialLength + kept);
        bytes[..kept].CopyTo(_partial.AsSpan(_partialLength));
        _partialLength += kept;
    }

    private void Grow(int size)
    {
        byte[] grown = ArrayPool<byte>.Shared.Rent(Math.Max(size, Math.Min(_keep, _partial.Length * 2)));
        _partial.AsSpan(0, _partialLength).CopyTo(grown);
        if (_partial.Length > 0)
            ArrayPool<byte>.Shared.Return(_partial);
        _partial = grown;
    }

    private SubprocessLine TakePartial(bool hasLineEnd)
    {
        SubprocessLine line = ToLine(_partial.AsSpan(0, _partialLength), _dropped, hasLineEnd);
        _partialLength = 0;
        _dropped = false;
        return line;
    }

    private SubprocessLine ToLine(ReadOnlySpan<byte> bytes, bool cut, bool hasLineEnd = true)
    {
        if (hasLineEnd && !cut && bytes is [.., (byte)'\r'])
            bytes = bytes[..^1];
        if (bytes.Length > format.MaxBytes)
        {
            cut = true;
            bytes = bytes[..format.MaxBytes];
        }
        if (cut && format.Encoding is UTF8Encoding)
            bytes = bytes[..^LengthOfCutCharacter(bytes)];
        return new SubprocessLine(format.Encoding.GetString(bytes), format.IsError, cut);
    }

    /// <summary>The cut may have gone through a character, of which nothing is better than U+FFFD.</summary>
    private static int LengthOfCutCharacter(ReadOnlySpan<byte> bytes)
    {
        for (int tail = 1; tail <= Math.Min(3, bytes.Length); tail++)
        {
            if (Rune.DecodeFromUtf8(bytes[^tail..], out _, out _) == OperationStatus.NeedMoreData)
                return tail;
        }
        return 0;
    }
}
