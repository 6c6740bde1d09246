using System.Globalization;
using System.Text;
using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>WatchProcess: a child of ours and a stranger, each signalled and awaited, and a handle that is let go of.</summary>
internal sealed class WatchProcessScenario : ChildScenario
{
    internal override string Name => "watched process";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Threaded);
        await WatchChildAsync(rig, children);
        await WatchStrangerAsync(rig, children);
    }

    private static async Task WatchChildAsync(Rig rig, ChildRig children)
    {
        await using ISubprocess child = await children.StartAsync(new SubprocessStartInfo("/bin/sleep", "1000"));
        if (Watch(rig, children, child.Id) is not { } process)
            return;
        using (process)
        using (Watch(rig, children, child.Id))
        {
            Task<ChildExitStatus> exited = rig.Track(process.WaitForExitAsync());
            rig.Expect(process.Signal(UnixSignal.Kill) || rig.ChildMayDie, "a living process can be signalled");
            children.ExpectStopped(await child.WaitForExitAsync());
            ChildExitStatus exit = await exited;
            rig.Expect(exit.Kind == ChildExitKind.Unknown || exit.Signal == UnixSignal.Kill, $"its end is told: {exit}");
        }
    }

    private static async Task WatchStrangerAsync(Rig rig, ChildRig children)
    {
        var info = new SubprocessStartInfo("/bin/sh", "-c", "sleep 30 >/dev/null & echo $!; wait; exit 0") { Output = Stdio.Pipe };
        await using ISubprocess parent = await children.StartAsync(info);
        string said = Encoding.ASCII.GetString(await ReadLineAsync(parent));
        if (!int.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out int stranger))
        {
            rig.Expect(rig.ChildMayDie, $"the shell tells the pid: '{said}'");
            return;
        }
        if (Watch(rig, children, stranger) is not { } process)
            return;
        using (process)
        {
            process.Signal(UnixSignal.Kill);
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Null where the process is gone, which only the fault can bring about.</summary>
    private static IWatchedProcess? Watch(Rig rig, ChildRig children, int pid)
    {
        try
        {
            return children.Factory.WatchProcess(pid);
        }
        catch (ArgumentException gone) when (gone.Message.StartsWith("ESRCH: ", StringComparison.Ordinal))
        {
            rig.Expect(rig.ChildMayDie, gone.Message);
            return null;
        }
    }

    private static async Task<byte[]> ReadLineAsync(ISubprocess child)
    {
        var line = new MemoryStream();
        while (true)
        {
            System.IO.Pipelines.ReadResult read = await child.Output.ReadAsync();
            foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                line.Write(segment.Span);
            child.Output.AdvanceTo(read.Buffer.End);
            byte[] said = line.ToArray();
            if (read.IsCompleted || said is [.., (byte)'\n'])
                return said.AsSpan().TrimEnd((byte)'\n').ToArray();
        }
    }
}
