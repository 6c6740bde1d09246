using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Subprocesses;

/// <summary>The kernel counts a user's pipe pages; root is exempt, and nobody's are shared with who else runs as that: so this runs as a user of its own.</summary>
public sealed class PipePagesTests : IDisposable
{
    private const int Children = 300;
    private const int Busy = 20;

    /// <summary>Each start waits for its turn on a loaded machine.</summary>
    private static readonly TimeSpan StartBound = TestTimeout * 4;

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Rule13_ThreeHundredChildrenWithThreePipes_LeaveLaterPipesTheirSize()
    {
        Requires.Root();
        using OpenFolder folder = new();
        string user = $"{1_000_000 + Environment.ProcessId}";
        string[] asUser = [Requires.Tool("setpriv"), "--reuid", user, "--regid", user, "--clear-groups"];
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartManyAsync, via: asUser, folder: folder.Name);
        Assert.Equal($"{64 * 1024}", await scenario.ReadLineAsync(StartBound));
        await scenario.EndWellAsync();
    }

    private static async Task StartManyAsync(string[] args)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();
        using var watcher = new PidfdChildWatcher();
        watcher.Attach(loop);
        await using var factory = new SubprocessFactory(loop, watcher);
        for (int i = 0; i < Children; i++)
        {
            // The busy ones fill their pipes again and again, and are never read beyond the high-water mark.
            SubprocessStartInfo startInfo = i < Busy ? new("/usr/bin/head", "-c", "3000000", "/dev/zero") : new("/bin/sleep", "1000");
            startInfo.Input = startInfo.Output = startInfo.Error = Stdio.Pipe;
            GC.KeepAlive(s_children[i] = await factory.StartAsync(startInfo));
        }
        PosixError.ThrowIfError(Libc.Pipe(out int readEnd, out int writeEnd), "pipe2");
        Scenario.Say($"{Libc.Fcntl(readEnd, F_GETPIPE_SZ).IntValue}");
        Libc.Close(readEnd);
        Libc.Close(writeEnd);
        await Scenario.WaitForEndAsync();
    }

    private static readonly ISubprocess?[] s_children = new ISubprocess?[Children];
}
