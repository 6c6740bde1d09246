using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.SendFile;

/// <summary>The file of one transfer, borrowed until it is disposed, and how it may be read.</summary>
internal sealed class SentFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly FileStream? _stream;

    /// <exception cref="ArgumentException">It is a directory, or can't be read.</exception>
    internal SentFile(FileStream stream)
        : this(stream.SafeFileHandle, stream.Name) => _stream = stream;

    /// <inheritdoc cref="SentFile(FileStream)"/>
    internal SentFile(SafeFileHandle handle)
        : this(handle, null)
    {
    }

    private SentFile(SafeFileHandle handle, string? name)
    {
        _handle = handle;
        bool borrowed = false;
        handle.DangerousAddRef(ref borrowed);
        Descriptor = (int)handle.DangerousGetHandle();
        Name = name is null ? $"the file of descriptor {Descriptor}" : $"'{name}'";
        PosixResult type = Libc.FileType(Descriptor);
        if (type.Value == Libc.Directory || type.IsError)
        {
            handle.DangerousRelease();
            throw type.IsError ? PosixError.ToException(type, $"statx of {Name}") : new ArgumentException($"{Name} is a directory.", nameof(handle));
        }
        if (!PipeInspection.IsOpenFor(Descriptor, PipeUse.Read))
        {
            handle.DangerousRelease();
            throw new ArgumentException($"{Name} isn't open for reading.", nameof(handle));
        }
        IsRegular = type.Value == Libc.RegularFile;
    }

    internal int Descriptor { get; }

    internal SafeFileHandle Handle => _handle;

    /// <summary>For messages.</summary>
    internal string Name { get; }

    internal bool IsRegular { get; }

    /// <summary>Of a regular file, at this moment.</summary>
    internal long Length => RandomAccess.GetLength(_handle);

    /// <summary>pread(2), or read(2) where a file has no positions. May wait for a disk.</summary>
    internal PosixResult Read(Span<byte> buffer, long offset)
    {
        PosixResult read = Libc.PRead(Descriptor, buffer, offset);
        return read.Errno == ESPIPE ? Libc.Read(Descriptor, buffer) : read;
    }

    /// <summary>Leaves the file's position at <paramref name="offset"/>; a file without positions has none to leave, and one that is never so long (EINVAL) keeps its own.</summary>
    internal void SetPosition(long offset)
    {
        if (_stream is { CanSeek: true })
        {
            _stream.Position = offset;
            return;
        }
        PosixResult set = Libc.Seek(Descriptor, offset);
        if (set.IsError && set.Errno != ESPIPE && set.Errno != EINVAL)
            throw PosixError.ToException(set, $"lseek of {Name} to {offset}");
    }

    public void Dispose() => _handle.DangerousRelease();
}
