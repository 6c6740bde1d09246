using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

public sealed partial class UnixStreamConnection
{
    private readonly ConnectionDescriptors? _descriptors;

    /// <summary>Writes to <see cref="Output"/>, in order with what was written before, with descriptors (unix(7), SCM_RIGHTS): the peer gets duplicates of them, not later than the first of these bytes.</summary>
    /// <param name="data">At least one byte.</param>
    /// <param name="descriptors">1 to 253. Borrowed until they have been sent or never will be; they stay the caller's.</param>
    /// <param name="cancellationToken">Ends the wait for room, not the sending.</param>
    /// <returns>As <see cref="PipeWriter.FlushAsync"/>.</returns>
    /// <exception cref="ArgumentException">No bytes, no descriptors, more than 253 (SCM_MAX_FD), or one that is null or invalid.</exception>
    /// <exception cref="IOException">As a flush fails; ETOOMANYREFS: this user has as many descriptors under way as it may open (RLIMIT_NOFILE).</exception>
    /// <exception cref="ObjectDisposedException">The connection, or a handle, has been disposed.</exception>
    public ValueTask<FlushResult> SendDescriptorsAsync(
        ReadOnlyMemory<byte> data, IReadOnlyList<SafeHandle> descriptors, CancellationToken cancellationToken = default)
    {
        if (data.IsEmpty)
            throw new ArgumentException("On a stream, descriptors go with a byte: there has to be at least one.", nameof(data));
        return _output.WriteAsync(data.Span, new AttachedDescriptors(new BorrowedDescriptors(descriptors)), cancellationToken);
    }

    /// <summary>
    /// Takes the next descriptor that the peer has sent, in its order. It is there not later than the byte of <see cref="Input"/> that it was sent with.
    /// Those that nobody takes are closed when the connection is disposed, aborted or fails.
    /// </summary>
    /// <param name="descriptor">Close-on-exec; the caller disposes it.</param>
    /// <returns>False if there is none, and always unless <see cref="UnixStreamConnectionOptions.MaxDescriptors"/> was set.</returns>
    public bool TryTakeDescriptor([NotNullWhen(true)] out SafeFileHandle? descriptor)
    {
        descriptor = _descriptors?.TryTake();
        return descriptor is not null;
    }
}
