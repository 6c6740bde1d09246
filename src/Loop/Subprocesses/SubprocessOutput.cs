using System.IO.Pipelines;
using UnixLoop.Subprocesses;

namespace UnixLoop;

/// <summary>
/// Where a run brings what its child writes, in place of a capture. A target that falls behind holds the child back. One that
/// throws stops the child, and the run throws that. For a file of its own the child has <see cref="Stdio.File"/>.
/// </summary>
public sealed class SubprocessOutput
{
    private SubprocessOutput(Func<PipeReader, LineFormat, CancellationToken, Task> deliver, bool isLines = false)
    {
        DeliverAsync = deliver;
        IsLines = isLines;
    }

    /// <summary>Reads to the end, or as far as the target cares.</summary>
    internal Func<PipeReader, LineFormat, CancellationToken, Task> DeliverAsync { get; }

    internal bool IsLines { get; }

    /// <summary>Into <paramref name="stream"/>, which is flushed at the end.</summary>
    /// <param name="stream">Written on the thread pool; not disposed.</param>
    public static SubprocessOutput ToStream(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new(async (reader, _, cancellationToken) =>
        {
            await reader.CopyToAsync(stream, cancellationToken).ConfigureAwait(false);
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        });
    }

    /// <summary>Into <paramref name="writer"/>; when its reader has completed, the child's pipe is closed.</summary>
    /// <param name="writer">Written and flushed on the thread pool; not completed.</param>
    public static SubprocessOutput ToPipeWriter(PipeWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        return new((reader, _, cancellationToken) => reader.CopyToAsync(writer, cancellationToken));
    }

    /// <summary>Line by line, in order.</summary>
    /// <param name="handle">
    /// Called on the thread pool, one line at a time; lines are cut at <see cref="SubprocessRunOptions.MaxLineBytes"/>. The token is
    /// cancelled when the run is.
    /// </param>
    public static SubprocessOutput ToLines(Func<SubprocessLine, CancellationToken, ValueTask> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return new((reader, format, cancellationToken) => LineDelivery.DeliverAsync(reader, format, handle, cancellationToken), isLines: true);
    }

    /// <summary>To <paramref name="read"/>, until it returns: then the pipe is closed, and a child that writes on gets SIGPIPE.</summary>
    /// <param name="read">Called on the thread pool, with a reader that need not be completed. The token is cancelled when the run is.</param>
    public static SubprocessOutput ToReader(Func<PipeReader, CancellationToken, Task> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new((reader, _, cancellationToken) => read(reader, cancellationToken));
    }
}
