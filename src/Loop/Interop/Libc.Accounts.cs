using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Interop;

/// <summary>The system's users and groups, from wherever nsswitch.conf(5) says that they come: it may read files, or ask over a network.</summary>
internal static unsafe partial class Libc
{
    private const int FirstAccountBytes = 1024;

    /// <summary>Enough for a group with some hundred thousand members.</summary>
    private const int MostAccountBytes = 16 * 1024 * 1024;

    /// <summary>NGROUPS_MAX of linux/limits.h.</summary>
    private const int MostGroups = 65_536;

    private enum AccountKey
    {
        UserName,
        UserNumber,
        GroupName,
    }

    /// <summary>getpwnam_r(3); ENOENT where there is no such user.</summary>
    internal static PosixResult UserByName(string name, out Account account) => FindAccount(AccountKey.UserName, name, 0, out account);

    /// <summary>getpwuid_r(3); ENOENT where there is no such user.</summary>
    internal static PosixResult UserByNumber(uint number, out Account account) => FindAccount(AccountKey.UserNumber, "", number, out account);

    /// <summary>getgrnam_r(3); ENOENT where there is no such group.</summary>
    internal static PosixResult GroupByName(string name, out uint group)
    {
        PosixResult result = FindAccount(AccountKey.GroupName, name, 0, out Account account);
        group = account.Group;
        return result;
    }

    /// <summary>getgrouplist(3): the groups of <paramref name="user"/>, with <paramref name="group"/> among them.</summary>
    internal static uint[] GroupsOf(string user, uint group)
    {
        for (int room = 64; ; room = Math.Min(2 * room, MostGroups))
        {
            uint[] groups = new uint[room];
            int count = room, found;
            fixed (uint* g = groups)
                found = getgrouplist(user, group, g, &count);
            if (found >= 0 || room == MostGroups)
                return groups[..Math.Min(count, room)];
        }
    }

    private static PosixResult FindAccount(AccountKey key, string name, uint number, out Account account)
    {
        account = default;
        if (Faults.IsEnabled && (key == AccountKey.GroupName ? Faults.Fails("getgrnam_r", out PosixResult fault) : Faults.Fails("getpwnam_r", out fault)))
            return fault;
        for (int bytes = FirstAccountBytes; ;)
        {
            byte* buffer = (byte*)NativeMemory.Alloc((nuint)bytes);
            try
            {
                passwd user = default;
                group_ group = default;
                nint entry = 0;
                int error = key switch
                {
                    AccountKey.UserName => getpwnam_r(name, &user, buffer, (nuint)bytes, &entry),
                    AccountKey.UserNumber => getpwuid_r(number, &user, buffer, (nuint)bytes, &entry),
                    _ => getgrnam_r(name, &group, buffer, (nuint)bytes, &entry),
                };
                if (error == 0 && entry != 0)
                {
                    account = key == AccountKey.GroupName ? new("", 0, group.gr_gid) : new(Marshal.PtrToStringUTF8((nint)user.pw_name)!, user.pw_uid, user.pw_gid);
                    return PosixResult.Success();
                }
                if (error == ERANGE && bytes < MostAccountBytes)
                    bytes *= 2;
                else if (error != EINTR)
                    return PosixResult.Failure(error is 0 || error == ESRCH || error == EBADF || error == EPERM ? ENOENT : error); // all of them mean that (getpwnam(3), Errors)
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getpwnam_r(string name, passwd* entry, byte* buffer, nuint bytes, nint* found);

    [LibraryImport(Library)]
    private static partial int getpwuid_r(uint user, passwd* entry, byte* buffer, nuint bytes, nint* found);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrnam_r(string name, group_* entry, byte* buffer, nuint bytes, nint* found);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrouplist(string user, uint group, uint* groups, int* count);

    /// <summary>A user and its group.</summary>
    internal readonly record struct Account(string Name, uint User, uint Group);

#pragma warning disable CS8981 // The names are the headers'.
    /// <summary>struct passwd of pwd.h, glibc's and musl's.</summary>
    private struct passwd
    {
        internal byte* pw_name;
        internal byte* pw_passwd;
        internal uint pw_uid;
        internal uint pw_gid;
        internal byte* pw_gecos;
        internal byte* pw_dir;
        internal byte* pw_shell;
    }

    /// <summary>struct group of grp.h, glibc's and musl's.</summary>
    private struct group_
    {
        internal byte* gr_name;
        internal byte* gr_passwd;
        internal uint gr_gid;
        internal byte** gr_mem;
    }
#pragma warning restore CS8981
}
