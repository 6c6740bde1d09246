namespace UnixLoop.Transports.UnixSockets;

/// <summary>How a socket's file is to be; numbers, looked up before anything is made. Null leaves what the kernel does.</summary>
/// <param name="Mode">Exactly these permission bits; null for 0777 less the umask.</param>
/// <param name="Owner">The user that it is given to.</param>
/// <param name="Group">The group that it is given to.</param>
/// <param name="DirectoryMode">Makes a missing parent directory with exactly these bits, and the same owner and group.</param>
/// <param name="LockDirectory">Where lock files are; null for beside the socket.</param>
/// <param name="ReplaceStale">Whether a file that nobody serves is removed.</param>
internal readonly record struct BindingOptions(
    uint? Mode, uint? Owner, uint? Group, uint? DirectoryMode, string? LockDirectory, bool ReplaceStale);
