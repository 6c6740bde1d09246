using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>
/// The descriptors that have come on a stream and that nobody has taken yet, in order. One that got lost would leave all later
/// ones with the wrong bytes: so that fails the connection, and never goes on without.
/// </summary>
internal sealed class ConnectionDescriptors(int most) : IDescriptorReceiver
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly Queue<SafeFileHandle> _untaken = [];
    private bool _isAbandoned;

    public PosixResult Receive(int socket, Span<byte> room, long position)
    {
        Span<int> descriptors = stackalloc int[most];
        PosixResult received = Libc.ReceiveMessage(socket, room, [], descriptors, out Libc.MessageParts parts);
        if (received.IsError || (parts.DescriptorCount == 0 && !parts.HasLostDescriptors))
            return received;
        SafeFileHandle[] handles = ReceivedDescriptors.Own(descriptors[..parts.DescriptorCount]);
        bool isTooMany;
        lock (_gate)
        {
            isTooMany = parts.HasLostDescriptors || _untaken.Count + handles.Length > most;
            if (!isTooMany && !_isAbandoned)
            {
                foreach (SafeFileHandle handle in handles)
                    _untaken.Enqueue(handle);
                return received;
            }
        }
        foreach (SafeFileHandle handle in handles)
            handle.Dispose();
        return isTooMany ? PosixResult.Failure(ETOOMANYREFS) : received;
    }

    internal SafeFileHandle? TryTake()
    {
        lock (_gate)
            return _untaken.TryDequeue(out SafeFileHandle? handle) ? handle : null;
    }

    public void OnEnded(bool isAbandoned)
    {
        if (!isAbandoned)
            return;
        lock (_gate)
        {
            _isAbandoned = true;
            while (_untaken.TryDequeue(out SafeFileHandle? handle))
                handle.Dispose();
        }
    }
}
