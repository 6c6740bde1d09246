using System.Reflection;
using UnixLoop.Children;
using UnixLoop.Subprocesses;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>
/// What the library asks the system once and then remembers for the process's life (a seccomp filter's EPERM, an old kernel's
/// ENOSYS): forgotten before each run, or the first such fault would change all runs after it.
/// </summary>
internal static class RememberedRefusals
{
    internal static void Forget()
    {
        ChildPidfd.Refusal = 0;
        Set(typeof(PidfdProbe), null, "s_done", false);
        Set(typeof(PidfdProbe), null, "s_reason", null);
        Set(typeof(PidfdExitInfo), null, "s_refused", false);
        UseHelper(true);
        Set(typeof(HelperCall), null, "s_refusalLogged", 0);
        Set(typeof(SpawnCall), null, "s_pidfdSpawnRefused", false);
        Set(typeof(PipeBudget), PipeBudget.Shared, "_refused", false);
    }

    /// <summary>Whether the native helper makes plain children; else posix_spawn(3) does.</summary>
    internal static void UseHelper(bool use) => Set(typeof(HelperCall), null, "s_mayStartPlainChildren", use);

    private static void Set(Type type, object? target, string field, object? value)
    {
        FieldInfo info = type.GetField(field, BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance)
            ?? throw new InvalidOperationException($"{type.Name} remembers nothing in {field} any more.");
        info.SetValue(target, value);
    }
}
