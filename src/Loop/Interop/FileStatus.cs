namespace UnixLoop.Interop;

/// <summary>What names a file as long as something holds it, whatever its path (inode(7)).</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode);

/// <summary>Of statx(2): what sort of file, which, whose, and what may be done with it.</summary>
/// <param name="Identity">Device and inode.</param>
/// <param name="Type"><see cref="Libc.SocketFile"/> and so on.</param>
/// <param name="Permissions">The mode's lower twelve bits.</param>
/// <param name="Owner">Its user's number.</param>
/// <param name="Group">Its group's number.</param>
internal readonly record struct FileStatus(FileIdentity Identity, int Type, uint Permissions, uint Owner, uint Group);
