using System.Text;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Interop;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Starts with everything that a start can be asked for: three pipes, a directory, extra descriptors that swap numbers; then files.</summary>
internal sealed class SpawnScenario(bool byHelper) : ChildScenario
{
    private const string Text = "through the pipe";

    internal override string Name => byHelper ? "spawn by the helper" : "spawn by libc";

    internal override async Task RunAsync(Rig rig)
    {
        RememberedRefusals.UseHelper(byHelper);
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        await RunWithPipesAsync(children);
        await RunWithFilesAsync(children);
    }

    private static async Task RunWithPipesAsync(ChildRig children)
    {
        (SafeFileHandle one, SafeFileHandle oneWrite) = FaultLibc.Pipe();
        (SafeFileHandle two, SafeFileHandle twoWrite) = FaultLibc.Pipe();
        using (one)
        using (two)
        {
            using (oneWrite)
            using (twoWrite)
            {
                FaultLibc.WriteByte(oneWrite, (byte)'1');
                FaultLibc.WriteByte(twoWrite, (byte)'2');
            }
            int numberOfOne = (int)one.DangerousGetHandle(), numberOfTwo = (int)two.DangerousGetHandle();
            var info = new SubprocessStartInfo("sh", "-c", $"cat; pwd; cat /dev/fd/{numberOfOne} /dev/fd/{numberOfTwo}; echo problem >&2")
            {
                Input = Stdio.Pipe,
                Output = Stdio.Pipe,
                Error = Stdio.Pipe,
                WorkingDirectory = "/usr",
                PipeCapacity = 16 * 1024,
                Descriptors = { [numberOfOne] = two, [numberOfTwo] = one },
            };
            await using ISubprocess child = await children.StartAsync(info);
            await child.Input.WriteAsync(Encoding.UTF8.GetBytes(Text));
            await child.Input.CompleteAsync();
            byte[] output = await ChildRig.ReadToEndAsync(child.Output);
            byte[] error = await ChildRig.ReadToEndAsync(child.Error);
            children.ExpectBytes(output, Encoding.UTF8.GetBytes($"{Text}/usr\n21"), "standard output");
            children.ExpectBytes(error, "problem\n"u8, "standard error");
            (ChildExitStatus exit, _) = await child.WaitForExitAndDrainAsync(Campaign.Bound);
            children.ExpectExit(exit, 0);
        }
    }

    private static async Task RunWithFilesAsync(ChildRig children)
    {
        string folder = Directory.CreateTempSubdirectory("unixloop-faults-").FullName;
        try
        {
            string source = Path.Combine(folder, "in"), target = Path.Combine(folder, "out");
            await File.WriteAllTextAsync(source, Text);
            await File.WriteAllTextAsync(target, "before ");
            var info = new SubprocessStartInfo("/bin/cat")
            {
                Input = Stdio.File(source),
                Output = Stdio.File(target, append: true),
                Error = Stdio.AsOutput,
            };
            await using ISubprocess child = await children.StartAsync(info);
            children.ExpectExit(await child.WaitForExitAsync(), 0);
            children.ExpectBytes(await File.ReadAllBytesAsync(target), Encoding.UTF8.GetBytes($"before {Text}"), "the output file");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
