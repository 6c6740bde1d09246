using System.Globalization;
using System.IO.Pipelines;

namespace UnixLoop.Peer;

/// <summary>W1 to W4: children that are started, awaited and captured.</summary>
internal static class ChildWorkloads
{
    internal static Task OneByOneAsync(ISubprocessFactory factory, string program) =>
        Rounds.OneByOneAsync(() => RunAsync(factory, program));

    internal static Task SixtyFourInFlightAsync(ISubprocessFactory factory, string program) =>
        Rounds.InFlightAsync(64, () => RunAsync(factory, program));

    internal static Task CatAsync(ISubprocessFactory factory, string file) =>
        Rounds.TransferAsync(() => CountOutputAsync(factory, file));

    /// <summary>cat FILE FILE FILE FILE | wc -c, joined by the library.</summary>
    internal static Task PipelineAsync(ISubprocessFactory factory, string file) => Rounds.TransferAsync(async () =>
    {
        SubprocessPipeline pipeline = new(new SubprocessStartInfo("/bin/cat", file, file, file, file), new SubprocessStartInfo("/usr/bin/wc", "-c"));
        return ParseCount(await factory.RunAsync(pipeline));
    });

    /// <summary>The same, joined by the shell.</summary>
    internal static Task ShellPipelineAsync(ISubprocessFactory factory, string file) => Rounds.TransferAsync(async () =>
        ParseCount(await factory.RunAsync(new("/bin/sh", "-c", "/bin/cat \"$1\" \"$1\" \"$1\" \"$1\" | /usr/bin/wc -c", "sh", file))));

    internal static Task EchoAsync(ISubprocessFactory factory) => Rounds.OneByOneAsync(async () =>
    {
        // What the other peers do: standard output is captured, the other two streams are inherited.
        SubprocessStartInfo echo = new("/bin/echo", "hello") { Input = Stdio.Inherit, Error = Stdio.Inherit };
        SubprocessResult result = await factory.RunAsync(echo);
        if (result.Output != "hello\n")
            throw new InvalidOperationException($"echo wrote '{result.Output}', {result.Exit}.");
    });

    private static long ParseCount(SubprocessResult wc) => long.Parse(wc.EnsureSuccess().Output, CultureInfo.InvariantCulture);

    private static async Task RunAsync(ISubprocessFactory factory, string program)
    {
        await using ISubprocess child = await factory.StartAsync(new(program));
        ChildExitStatus status = await child.WaitForExitAsync();
        if (!status.IsSuccess)
            throw new InvalidOperationException($"{program}: {status}.");
    }

    private static async Task<long> CountOutputAsync(ISubprocessFactory factory, string file)
    {
        SubprocessStartInfo cat = new("/bin/cat", file, file, file, file) { Output = Stdio.Pipe };
        await using ISubprocess child = await factory.StartAsync(cat);
        long count = 0;
        ReadResult read;
        do
        {
            read = await child.Output.ReadAsync();
            count += read.Buffer.Length;
            child.Output.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
        await child.WaitForExitAsync();
        return count;
    }
}
