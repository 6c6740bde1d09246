using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Spawning;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using static Tmds.Linux.LibC;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>An exec may take seconds (a network's file system); a lease on the program (fcntl(2), F_SETLEASE) holds it up as long as we like.</summary>
public sealed class SlowExecTests : IDisposable
{
    private const int F_SETSIG = 10, F_SETLEASE = 1024, F_GETLEASE = 1025;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("slow-exec");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Rule12_SlowExec_HoldsUpNoSigChild()
    {
        Requires.That(SpawnHelper.Missing is null, "the native helper");
        string program = Path.Combine(_folder.FullName, "program");
        File.Copy("/bin/true", program);
        await using ScenarioProcess scenario = ScenarioProcess.Start(HoldUpAsync, [program]);
        await scenario.EndWellAsync();
    }

    private static Task HoldUpAsync(string[] args)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration handler = PosixSignalRegistration.Create((PosixSignal)SIGCHLD, _ => told.TrySetResult());
        SafeHandle lease = File.OpenHandle(args[0]);
        int descriptor = (int)lease.DangerousGetHandle();
        PosixError.ThrowIfError(Libc.Fcntl(descriptor, F_SETSIG, SIGURG), "F_SETSIG"); // which does nothing by default, where SIGIO ends the process
        PosixError.ThrowIfError(Libc.Fcntl(descriptor, F_SETLEASE, F_WRLCK), "F_SETLEASE");

        // Both by one thread: the kernel gives a child's SIGCHLD to the thread that made it, if that does not block it.
        SpawnedChild? first = null, slow = null;
        Thread spawning = new(() =>
        {
            Volatile.Write(ref first, Spawned.Start(new SubprocessStartInfo("/bin/cat"), Stdio.Pipe));
            Volatile.Write(ref slow, Spawned.Start(new SubprocessStartInfo(args[0])));
        });
        spawning.Start();
        Eventually.True(() => Libc.Fcntl(descriptor, F_GETLEASE).IntValue != F_WRLCK, "the exec asks for the lease");
        Volatile.Read(ref first)!.InputWriteEnd!.Dispose();
        // Not awaited: a thread that is made meanwhile would find the signal.
        Assert.True(told.Task.Wait(TestTimeout), "SIGCHLD has been held up");
        Assert.Null(Volatile.Read(ref slow));

        lease.Dispose();
        spawning.Join();
        Assert.Equal((0, 0), (Spawned.Reap(first!), Spawned.Reap(slow!)));
        return Task.CompletedTask;
    }
}
