using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>The file of a socket that we have bound. The bound socket must be open while this is used: it keeps the inode's number from being used again.</summary>
internal sealed class SocketFile(SocketPlace place, FileIdentity identity) : IDisposable
{
    /// <summary>Removes the file if it still is the one that we made (linux.md, rule 25).</summary>
    internal void RemoveIfOurs()
    {
        if (!place.Directory.IsClosed && place.TryExamine(out FileStatus status).IsSuccess && status.Identity == identity)
            _ = Libc.Unlink(place.Directory.Descriptor, place.Name);
    }

    public void Dispose() => place.Dispose();
}
