using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A start by the native helper, each of whose steps may fail, and the stop of a child in a control group of its own.</summary>
internal sealed class AttributesScenario : ChildScenario
{
    internal override string Name => "attributes";

    internal override bool CanHappen(string function, int errno) => base.CanHappen(function, errno) && function != "setsid";

    internal override bool Documents(Exception exception, InjectedFault fault) =>
        base.Documents(exception, fault)
        || exception is PlatformNotSupportedException && fault.Function == "clone3" && (fault.Errno == ENOSYS || fault.Errno == EPERM);

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        using TestCgroup? cgroup = TestCgroup.TryCreate();
        SubprocessStartInfo info = new("sleep", "1000")
        {
            Input = Stdio.Null,
            Output = Stdio.Pipe,
            WorkingDirectory = "/",
            Attributes = new()
            {
                Umask = UnixFileMode.OtherWrite,
                Limits = { [ResourceLimit.Core] = new(0) },
                NoNewPrivileges = true,
                User = Environment.IsPrivilegedProcess ? "nobody" : null,
                Group = Environment.IsPrivilegedProcess ? "daemon" : null,
                Cgroup = cgroup?.Path,
            },
        };
        await using ISubprocess child = await children.StartAsync(info);
        children.ExpectStopped(await child.StopAsync(TimeSpan.FromMilliseconds(1)));
    }
}
