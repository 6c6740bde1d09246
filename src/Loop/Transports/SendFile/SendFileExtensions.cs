using Microsoft.Win32.SafeHandles;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports;

/// <summary>Sends files over a <see cref="UnixStreamConnection"/>.</summary>
public static class SendFileExtensions
{
    /// <summary>
    /// Sends a file without copying it through user space (sendfile(2); asyncio: <c>loop.sendfile</c>), after what was written to
    /// <see cref="UnixStreamConnection.Output"/> before. While it runs, writes to the connection throw
    /// <see cref="InvalidOperationException"/>; reading goes on.
    /// </summary>
    /// <remarks>
    /// The loop sends at most 256 KiB a turn, so that other connections go on, and never waits for a disk: what isn't in the page
    /// cache is sent by the thread pool. However it ends, the file's position is at <paramref name="offset"/> plus what was sent.
    /// A file without positions (a FIFO, a terminal) is read from where it is; bytes that were read from it and not sent when the
    /// call ends early are lost.
    /// </remarks>
    /// <param name="connection">Where to.</param>
    /// <param name="file">Where from; not to be used until the call ends. What was written to it and is still buffered is flushed first.</param>
    /// <param name="offset">Where in the file, in bytes from its beginning, wherever its position is.</param>
    /// <param name="count">How many bytes; null or 0 for all up to the end of the file.</param>
    /// <param name="fallback">What happens where the kernel can't: special files, and file systems without sendfile.</param>
    /// <param name="cancellationToken">Ends the call. What was sent stays sent, and the connection can be used further.</param>
    /// <returns>How many bytes were sent: fewer than <paramref name="count"/> if the file ended before.</returns>
    /// <exception cref="ArgumentException">The file is a directory, or isn't open for reading.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An offset or count is negative.</exception>
    /// <exception cref="InvalidOperationException">The output is completed, or another transfer runs on it.</exception>
    /// <exception cref="NotSupportedException">The kernel can't send this file and the fallback is forbidden; nothing was sent.</exception>
    /// <exception cref="IOException">Reading or sending failed, or the peer has gone; the message names the errno and how far it came.</exception>
    /// <exception cref="ObjectDisposedException">The connection or its loop has ended.</exception>
    public static Task<long> SendFileAsync(
        this UnixStreamConnection connection, FileStream file, long offset = 0, long? count = null,
        SendFileFallback fallback = SendFileFallback.Allow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(file);
        CheckRange(offset, count);
        if (!file.CanRead)
            throw new ArgumentException($"'{file.Name}' isn't open for reading.", nameof(file));
        return FileTransfer.SendAsync((IOperableOutput)connection.Output, new SentFile(file), offset, count ?? 0, fallback, cancellationToken);
    }

    /// <inheritdoc cref="SendFileAsync(UnixStreamConnection, FileStream, long, long?, SendFileFallback, CancellationToken)"/>
    public static Task<long> SendFileAsync(
        this UnixStreamConnection connection, SafeFileHandle file, long offset = 0, long? count = null,
        SendFileFallback fallback = SendFileFallback.Allow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(file);
        CheckRange(offset, count);
        return FileTransfer.SendAsync((IOperableOutput)connection.Output, new SentFile(file), offset, count ?? 0, fallback, cancellationToken);
    }

    private static void CheckRange(long offset, long? count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (count is { } bytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bytes, nameof(count));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, long.MaxValue - offset, nameof(count));
        }
    }
}
