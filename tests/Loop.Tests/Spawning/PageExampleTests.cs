using Microsoft.Win32.SafeHandles;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>docs/subprocesses.md, "What the child gets": its example does what it says.</summary>
public sealed class PageExampleTests : SpawningTest
{
    [Fact]
    public void Example_OfThePage_Runs()
    {
        string log = Path.Combine(Folder, "worker.log");
        NewFile("bin/worker", "#!/bin/sh\necho \"$1\"; cat \"$2\"; echo \"$LC_ALL ${DEBUG-none}\" >&2; pwd\n");
        using SafeFileHandle config = File.OpenHandle(NewFile("app.conf", "setting\n"));
        Environment.SetEnvironmentVariable("DEBUG", "1");
        SubprocessStartInfo info = new("worker", "--config", "/dev/fd/3")
        {
            WorkingDirectory = Folder,
            Environment = { ["LC_ALL"] = "C", ["DEBUG"] = null, ["PATH"] = "bin:/bin:/usr/bin" },
            Output = Stdio.File(log, append: true),
            Error = Stdio.AsOutput,
            Descriptors = { [3] = config },
        };
        SpawnedChild child = Spawned.Start(info, Stdio.Null, info.Output, info.Error);
        Environment.SetEnvironmentVariable("DEBUG", null);
        Assert.Equal(0, Spawned.Reap(child));
        Assert.Equal($"--config\nsetting\nC none\n{Folder}\n", File.ReadAllText(log));
    }
}
