using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Starts that fail even without a fault: the search for the reason may fail as well, and then a poorer one is given.</summary>
internal sealed class RefusedStartScenario : ChildScenario
{
    internal override string Name => "refused start";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        string script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, "#!/no/such/interpreter\n");
#pragma warning disable CA1416 // Linux only
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
#pragma warning restore CA1416
            await ExpectRefusalAsync(rig, children, new SubprocessStartInfo(script));
            await ExpectRefusalAsync(rig, children, new SubprocessStartInfo("/usr"));
            await ExpectRefusalAsync(rig, children, new SubprocessStartInfo("no-such-program") { Output = Stdio.Pipe });
            await ExpectRefusalAsync(rig, children, new SubprocessStartInfo("/bin/true") { WorkingDirectory = "/no/such/directory", Input = Stdio.Pipe });
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static async Task ExpectRefusalAsync(Rig rig, ChildRig children, SubprocessStartInfo info)
    {
        try
        {
            await using ISubprocess child = await children.StartAsync(info);
            // A child that is killed before its exec looks started to whoever waits for the exec, vfork(2) as well as a close-on-exec pipe.
            rig.Expect(children.IsByFault(await child.WaitForExitAsync()), $"'{info}' does not start");
        }
        catch (SubprocessStartException)
        {
            // The rule of all starts that fail; which reason is left depends on the fault.
        }
    }
}
