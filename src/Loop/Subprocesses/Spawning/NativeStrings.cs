using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace UnixLoop.Subprocesses;

/// <summary>
/// NUL-terminated UTF-8 strings behind one another, and pointers to them: what execve(2) takes as argv and envp. They lie in the
/// caller's scratch while they fit, else in two blocks of native memory; half surrogates become U+FFFD.
/// </summary>
internal unsafe ref struct NativeStrings : IDisposable
{
    private const int FirstCapacity = 8 * 1024;

    private readonly int _maximum;
    private readonly bool _ownsPointers;
    private byte** _pointers; // Until Complete: an offset into the bytes plus 1, or null
    private byte* _bytes;
    private nint _length;
    private nint _capacity;
    private int _count;
    private bool _ownsBytes;

    /// <param name="maximum">The most strings and nulls that will be added.</param>
    /// <param name="scratch">Aligned for pointers; stays where it is and is the caller's.</param>
    internal NativeStrings(int maximum, Span<nint> scratch = default)
    {
        _maximum = maximum;
        if (maximum < scratch.Length)
        {
            _pointers = (byte**)Unsafe.AsPointer(ref MemoryMarshal.GetReference(scratch));
            _bytes = (byte*)(_pointers + maximum);
            _capacity = (scratch.Length - maximum) * sizeof(nint);
            return;
        }
        _capacity = FirstCapacity;
        _pointers = (byte**)NativeMemory.Alloc((nuint)maximum, (nuint)sizeof(byte*));
        _bytes = (byte*)NativeMemory.Alloc(FirstCapacity);
        _ownsPointers = _ownsBytes = true;
    }

    /// <summary>How many were added, nulls included: the index of the next one.</summary>
    internal readonly int Count => _count;

    /// <exception cref="InvalidOperationException">More than the most.</exception>
    internal void Add(string text)
    {
        BeginString();
        Append(text);
        AppendByte(0);
    }

    /// <summary>"name=value".</summary>
    internal void AddVariable(string name, string value)
    {
        BeginString();
        Append(name);
        AppendByte((byte)'=');
        Append(value);
        AppendByte(0);
    }

    internal void AddNull()
    {
        _pointers[NextIndex()] = null;
    }

    /// <summary>Turns offsets into pointers, now that the bytes no longer move. Nothing is added after it.</summary>
    internal readonly void Complete()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_pointers[i] != null)
                _pointers[i] = _bytes + ((nint)_pointers[i] - 1);
        }
    }

    /// <summary>The pointers from <paramref name="index"/> on; valid after <see cref="Complete"/>, until <see cref="Dispose"/>.</summary>
    internal readonly byte** From(int index) => _pointers + index;

    /// <summary>Instead of <see cref="Complete"/>: a copy in pinned arrays, which outlives this.</summary>
    internal readonly void Pin(out byte[] bytes, out nint[] pointers)
    {
        bytes = GC.AllocateUninitializedArray<byte>((int)_length, pinned: true);
        pointers = GC.AllocateArray<nint>(_count, pinned: true);
        new ReadOnlySpan<byte>(_bytes, bytes.Length).CopyTo(bytes);
        nint start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes));
        for (int i = 0; i < pointers.Length; i++)
        {
            if (_pointers[i] != null)
                pointers[i] = start + ((nint)_pointers[i] - 1);
        }
    }

    public void Dispose()
    {
        if (_ownsPointers)
            NativeMemory.Free(_pointers);
        if (_ownsBytes)
            NativeMemory.Free(_bytes);
        _pointers = null;
        _bytes = null;
    }

    private void BeginString()
    {
        _pointers[NextIndex()] = (byte*)(_length + 1);
    }

    /// <summary>There is no room for more: lists of the caller's, counted before, may have grown meanwhile.</summary>
    private int NextIndex() =>
        _count < _maximum ? _count++ : throw new InvalidOperationException("The arguments or the environment of a child were changed while it was started.");

    private void Append(ReadOnlySpan<char> text)
    {
        while (true)
        {
            Span<byte> free = new(_bytes + _length, (int)Math.Min(_capacity - _length, int.MaxValue));
            OperationStatus status = Utf8.FromUtf16(text, free, out int read, out int written, replaceInvalidSequences: true);
            _length += written;
            if (status == OperationStatus.Done)
                return;
            text = text[read..];
            Grow();
        }
    }

    private void AppendByte(byte value)
    {
        if (_length == _capacity)
            Grow();
        _bytes[_length++] = value;
    }

    private void Grow()
    {
        byte* old = _bytes;
        _capacity = Math.Max(FirstCapacity, 2 * _capacity);
        _bytes = (byte*)NativeMemory.Realloc(_ownsBytes ? old : null, (nuint)_capacity);
        if (!_ownsBytes)
            Buffer.MemoryCopy(old, _bytes, _capacity, _length);
        _ownsBytes = true;
    }
}
