using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Starts, one of them on a terminal, with a C library that has none of posix_spawn's younger companions.</summary>
internal sealed class OldLibcScenario : ChildScenario
{
    private static readonly SpawnFeatures None = new(CloseFrom: false, ChangeDirectory: false, Foreground: false, Pidfd: false) { HelperMissing = "this scenario does without it" };

    internal override string Name => "spawn with an old libc";

    internal override Task RunAsync(Rig rig)
    {
        foreach (Stdio output in new[] { Stdio.Pipe, Stdio.Pty() })
        {
            SpawnedChild child = Spawner.Start(new SubprocessStartInfo("/bin/sleep", "1000"), Stdio.Null, output, Stdio.AsOutput, rig.Log, None);
            using (child.Pidfd)
            using (child.OutputReadEnd)
            using (child.Terminal)
                OwnChildren.KillAndReapAll();
        }
        return Task.CompletedTask;
    }
}
