using System.Globalization;
using System.Text;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.TestSupport;

/// <summary>
/// Tells by its pid whether a process may be younger than the first use of this class, so that nobody has to look at all the others. The
/// kernel gives pids in ascending order; once it has begun again from below, no pid tells anything.
/// </summary>
internal static class YoungProcesses
{
    private static readonly int s_first = LastPid();
    private static int s_last = s_first;
    private static bool s_hasBegunAgain;

    /// <summary>To be called more often than the kernel gives all its pids: at each look.</summary>
    internal static void Note()
    {
        int last = LastPid();
        s_hasBegunAgain |= last < s_last;
        s_last = last;
    }

    internal static bool MayInclude(int pid) => s_hasBegunAgain || pid > s_first;

    /// <summary>The last field of proc_loadavg(5); 0 if it can't be read, which excludes nobody.</summary>
    private static int LastPid()
    {
        byte[] buffer = new byte[128];
        string text = Encoding.ASCII.GetString(TestLibc.ReadFile("/proc/loadavg", ref buffer));
        return int.TryParse(text.AsSpan(text.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture, out int pid) ? pid : 0;
    }
}
