using System.IO.Pipelines;
using System.Text;
using UnixLoop.Subprocesses;

namespace UnixLoop;

/// <summary>
/// What a run's child reads from its standard input. A child that stops reading early is no error. A source that throws, or
/// completes its writer with an exception, stops the child, and the run throws that. Once the child is known to have exited it
/// is no error any more, unless the source had ended the input itself. For a file of its own the child has <see cref="Stdio.File"/>.
/// </summary>
public sealed class SubprocessInput
{
    private SubprocessInput(ReadOnlyMemory<byte> bytes, Func<PipeWriter, CancellationToken, Task>? feed)
    {
        Bytes = bytes;
        Feed = feed;
    }

    internal ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Writes all that the child gets; null for <see cref="Bytes"/>.</summary>
    internal Func<PipeWriter, CancellationToken, Task>? Feed { get; }

    /// <summary>These bytes, then the end.</summary>
    /// <param name="bytes">Not to be changed until the run has ended.</param>
    public static SubprocessInput FromBytes(ReadOnlyMemory<byte> bytes) => new(bytes, null);

    /// <summary>This text, then the end.</summary>
    /// <param name="text">The text. Half surrogates, and what the encoding lacks, become its replacement character.</param>
    /// <param name="encoding">Null for UTF-8.</param>
    public static SubprocessInput FromText(string text, Encoding? encoding = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(TextEncodings.Lenient(encoding).GetBytes(text), null);
    }

    /// <summary>All that <paramref name="stream"/> has from its position on, then the end.</summary>
    /// <param name="stream">Read on the thread pool, up to the end of the run; not disposed.</param>
    public static SubprocessInput FromStream(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(default, (writer, cancellationToken) => InputSources.CopyAsync(stream, writer, cancellationToken));
    }

    /// <summary>All that <paramref name="reader"/> brings, then the end.</summary>
    /// <param name="reader">Read on the thread pool, up to the end of the run; not completed.</param>
    public static SubprocessInput FromPipeReader(PipeReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return new(default, (writer, cancellationToken) => InputSources.CopyAsync(reader, writer, cancellationToken));
    }

    /// <summary>Each of <paramref name="lines"/> with a line feed behind it, as they come, then the end.</summary>
    /// <param name="lines">Enumerated on the thread pool, with the run's token; the child gets a line before the next one is awaited.</param>
    /// <param name="encoding">Null for UTF-8.</param>
    public static SubprocessInput FromLines(IAsyncEnumerable<string> lines, Encoding? encoding = null)
    {
        ArgumentNullException.ThrowIfNull(lines);
        Encoding lenient = TextEncodings.Lenient(encoding);
        return new(default, (writer, cancellationToken) => InputSources.CopyAsync(lines, lenient, writer, cancellationToken));
    }

    /// <summary>Whatever <paramref name="write"/> writes until it returns, then the end.</summary>
    /// <param name="write">
    /// Called on the thread pool. Flushing waits while the child does not read, and says <see cref="FlushResult.IsCompleted"/> once it
    /// reads no more. The token is cancelled when the run is over.
    /// </param>
    public static SubprocessInput FromWriter(Func<PipeWriter, CancellationToken, Task> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        return new(default, write);
    }
}
