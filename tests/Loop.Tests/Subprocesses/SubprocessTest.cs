using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using UnixLoop.Loop.Tests.Loops;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A loop, a watcher and a factory; in the end no child and no descriptor may be left.</summary>
public abstract class SubprocessTest : LoopTest
{
    protected IChildWatcher Watcher { get; private set; } = null!;

    protected SubprocessFactory Factory { get; private set; } = null!;

    protected virtual IChildWatcher CreateWatcher() => new PidfdChildWatcher();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Watcher = CreateWatcher();
        Watcher.Attach(Loop);
        Factory = new SubprocessFactory(Loop, Watcher);
    }

    /// <summary>A script for the shell, with arguments $1, $2…</summary>
    protected static SubprocessStartInfo Shell(string script, params string[] arguments) =>
        new("/bin/sh", ["-c", script, "sh", .. arguments]);

    /// <summary>The same with its three streams as pipes.</summary>
    protected static SubprocessStartInfo PipedShell(string script, params string[] arguments)
    {
        SubprocessStartInfo startInfo = Shell(script, arguments);
        startInfo.Input = startInfo.Output = startInfo.Error = Stdio.Pipe;
        return startInfo;
    }

    protected static SubprocessStartInfo Sleep() => new("/bin/sleep", "1000");

    protected Task<SubprocessResult> RunAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default) =>
        Factory.RunAsync(startInfo, options, cancellationToken).WaitAsync(TestTimeout, CancellationToken.None);

    protected async Task<ISubprocess> StartAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default) =>
        await Factory.StartAsync(startInfo, cancellationToken).AsTask().WaitAsync(TestTimeout, CancellationToken.None);

    protected static Task<ChildExitStatus> ExitOf(ISubprocess child) => child.WaitForExitAsync().WaitAsync(TestTimeout);

    protected static async Task DisposeAsync(ISubprocess child) => await child.DisposeAsync().AsTask().WaitAsync(TestTimeout);

    protected static async Task<string> ReadToEndAsync(PipeReader reader)
    {
        var all = new MemoryStream();
        await reader.CopyToAsync(all).WaitAsync(TestTimeout);
        await reader.CompleteAsync();
        return Encoding.UTF8.GetString(all.ToArray());
    }

    /// <summary>Reads until the stream has said <paramref name="text"/>.</summary>
    protected static async Task ExpectAsync(PipeReader reader, string text)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync().AsTask().WaitAsync(TestTimeout);
            string said = Encoding.UTF8.GetString(read.Buffer.ToArray());
            if (said.Contains(text, StringComparison.Ordinal))
            {
                reader.AdvanceTo(read.Buffer.End);
                return;
            }
            Assert.False(read.IsCompleted, $"ended after '{said}' without '{text}'");
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The pid that a script has echoed.</summary>
    protected static async Task<int> ReadPidAsync(ISubprocess child)
    {
        ReadResult read = await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout);
        int pid = int.Parse(Encoding.ASCII.GetString(read.Buffer.ToArray()).Split('\n')[0], CultureInfo.InvariantCulture);
        child.Output.AdvanceTo(read.Buffer.End);
        return pid;
    }

    /// <summary>The kernel's view of a process: null when it is gone, 'Z' for a zombie.</summary>
    protected static char? StateOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return null;
        }
    }

    protected static bool IsGone(int pid) => StateOf(pid) is null or 'Z' or 'X';
}
