using System.Globalization;
using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class SignalStateTests : SpawningTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rule06_ChildBegins_WithAnEmptyMaskAndOnlyWhatWasIgnoredAtOurStart(bool reset)
    {
        // The runtime ignores SIGPIPE, and this handler would be one more.
        using var handler = PosixSignalRegistration.Create(PosixSignal.SIGHUP, static _ => { });
        Dictionary<string, ulong> state = SignalsOf(new SubprocessStartInfo("grep", "Sig", "/proc/self/status") { ResetIgnoredSignals = reset });
        Assert.Equal(0UL, state["SigBlk"]);
        Assert.Equal(reset ? 0 : StartupSignals.Ignored, state["SigIgn"]);
        Assert.Equal(0UL, state["SigPnd"]);
    }

    [Fact]
    public async Task Rule06_SpawningThreadsMask_IsNotTheChilds()
    {
        Task<Dictionary<string, ulong>> state = Task.Factory.StartNew(() =>
        {
            TestLibc.BlockOnThisThread(SIGUSR2);
            return SignalsOf(new SubprocessStartInfo("grep", "Sig", "/proc/self/status"));
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default); // a thread that ends with it
        Assert.Equal(0UL, (await state.WaitAsync(TestTimeout))["SigBlk"]);
    }

    [Fact]
    public void Rule06_SigPipe_EndsAChildWhoseReaderIsGone()
    {
        // With SIGPIPE ignored `yes` would end with a write error and code 1.
        SpawnedChild child = Spawned.Start(new SubprocessStartInfo("yes"), output: Stdio.Pipe);
        child.OutputReadEnd!.Dispose();
        Assert.Equal(-SIGPIPE, Spawned.Reap(child));
    }

    [Theory]
    [InlineData("SigIgn:\t0000000000000000", 0UL)]
    [InlineData("SigIgn:\t0000000000000001", 1UL)] // SIGHUP: nohup
    [InlineData("SigIgn:\t0000000000011001", 0x10001UL)] // SIGPIPE is not kept
    [InlineData("SigIgn:\t0000000180000001", 1UL)] // nor 32 and 33, which glibc's posix_spawn leaves behind
    [InlineData("SigCgt:\tffffffffffffffff", 0UL)]
    [InlineData("SigIgn:\trubbish", 0UL)]
    public void Rule06_StartupSignals_Parse_LeavesOutWhatNobodyChose(string line, ulong expected)
    {
        Assert.Equal(expected, StartupSignals.Parse(["Name:\tx", line, "Threads:\t1"]));
    }

    private static Dictionary<string, ulong> SignalsOf(SubprocessStartInfo info) => Spawned.Lines(info)
        .Select(line => line.Split(':', StringSplitOptions.TrimEntries))
        .Where(pair => pair[0] != "SigQ")
        .ToDictionary(pair => pair[0], pair => ulong.Parse(pair[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
