using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Hosting.Activation;

/// <summary>A listening Unix stream socket that the service manager has bound.</summary>
/// <param name="Name">Of LISTEN_FDNAMES: the unit's FileDescriptorName=; "unknown" where there are no names.</param>
/// <param name="Descriptor">Its number, 3 or more.</param>
/// <param name="Handle">The owner; close-on-exec is set.</param>
internal sealed record ActivatedSocket(string Name, int Descriptor, SafeFileHandle Handle);
