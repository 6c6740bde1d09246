using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Campaigns;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A child on a terminal of its own, started by the C library: something is typed, something shown, and the window resized.</summary>
internal sealed class TerminalScenario : ChildScenario
{
    internal override string Name => "terminal";

    /// <summary>A terminal has no broken pipe (tty_ioctl(4)); and one that can't be written to does not end for the child, which goes on waiting.</summary>
    internal override bool CanHappen(string function, int errno) =>
        base.CanHappen(function, errno) && (function != "write" || (errno != EPIPE && errno != EBADF));

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        Stdio terminal = Stdio.Pty();
        SubprocessStartInfo info = new("sh", "-c", "stty -echo -opost; echo ready; read line; echo \"$line\"") { Input = terminal, Output = terminal, Error = terminal };
        await using ISubprocess child = await children.StartAsync(info);
        child.Resize(100, 30);
        // Typed once it no longer echoes.
        ReadResult ready = await child.Output.ReadAsync();
        child.Output.AdvanceTo(ready.Buffer.Start);
        await child.Input.WriteAsync("hello\n"u8.ToArray());
        byte[] output = await ChildRig.ReadToEndAsync(child.Output);
        children.ExpectBytes(output, "ready\nhello\n"u8, "what the terminal shows");
        children.ExpectExit(await child.WaitForExitAsync(), 0);
    }
}
