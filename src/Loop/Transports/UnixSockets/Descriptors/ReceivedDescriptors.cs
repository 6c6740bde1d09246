using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Gives each descriptor that recvmsg(2) has installed its one owner.</summary>
internal static class ReceivedDescriptors
{
    internal static SafeFileHandle[] Own(ReadOnlySpan<int> descriptors)
    {
        if (descriptors.IsEmpty)
            return [];
        var handles = new SafeFileHandle[descriptors.Length];
        for (int i = 0; i < handles.Length; i++)
            handles[i] = new SafeFileHandle(descriptors[i], ownsHandle: true); // the kernel made it for us alone
        return handles;
    }
}
