using System.Globalization;
using System.Runtime.InteropServices;
using Tmds.Linux;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>Before its exec a child shares our memory: a handler of ours must never run in it.</summary>
public sealed class HandlerInChildTests
{
    private const int Starts = 200;
    private const int SigUsr1 = 10;

    /// <summary>Such a signal is not set to its default for the child, who is to find it ignored.</summary>
    [Fact]
    public async Task Rule06_HandlerForASignalThatWasIgnoredAtTheStart_DoesNotRunInTheChild()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartUnderFireAsync, via: ["/bin/sh", "-c", "trap '' USR1; exec \"$@\"", "sh"]);
        await scenario.EndWellAsync();
    }

    internal static Task StartUnderFireAsync(string[] args)
    {
        Assert.NotEqual(0UL, StartupSignals.Ignored & (1UL << (SigUsr1 - 1)));
        HandleByExit();
        string children = $"/proc/{Path.GetRelativePath("/proc", File.ResolveLinkTarget("/proc/thread-self", false)!.FullName)}/children";
        bool isOver = false;
        Thread shooter = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                foreach (string pid in File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    _ = Libc.Kill(int.Parse(pid, CultureInfo.InvariantCulture), SigUsr1);
            }
        });
        shooter.Start();
        int[] ends = new int[Starts];
        SubprocessStartInfo info = new("/bin/true") { ProcessGroup = ProcessGroup.New };
        for (int i = 0; i < Starts; i++)
            ends[i] = Spawned.Reap(Spawner.Start(info, Stdio.Inherit, Stdio.Inherit, Stdio.Inherit));
        Volatile.Write(ref isOver, true);
        shooter.Join();

        Assert.DoesNotContain(SigUsr1, ends); // exit code of the handler
        Assert.Contains(-SigUsr1, ends);
        return Task.CompletedTask;
    }

    /// <summary>The handler is _exit(2) itself, whose argument is then the signal's number.</summary>
    private static unsafe void HandleByExit()
    {
        sigaction action = default;
        action.sa_handler = (delegate* unmanaged[Cdecl]<int, void>)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "_exit");
        Assert.True(Libc.SigAction(SigUsr1, &action, null).IsSuccess);
    }
}
