using System.Text;

namespace UnixLoop;

/// <summary>What a run's child reads from its standard input. A child that stops reading early is no error.</summary>
public sealed class SubprocessInput
{
    private SubprocessInput(ReadOnlyMemory<byte> bytes, Stream? stream)
    {
        Bytes = bytes;
        Stream = stream;
    }

    internal ReadOnlyMemory<byte> Bytes { get; }

    internal Stream? Stream { get; }

    /// <summary>These bytes, then the end.</summary>
    /// <param name="bytes">Not to be changed until the run has ended.</param>
    public static SubprocessInput FromBytes(ReadOnlyMemory<byte> bytes) => new(bytes, null);

    /// <summary>This text as UTF-8, then the end.</summary>
    /// <param name="text">The text.</param>
    public static SubprocessInput FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(Encoding.UTF8.GetBytes(text), null);
    }

    /// <summary>All that <paramref name="stream"/> has from its position on, then the end.</summary>
    /// <param name="stream">Read on the thread pool, not disposed.</param>
    public static SubprocessInput FromStream(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(default, stream);
    }
}
