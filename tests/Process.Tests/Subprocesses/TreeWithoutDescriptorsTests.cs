using System.Globalization;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Children;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.Subprocesses;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Subprocesses;

public sealed class TreeWithoutDescriptorsTests
{
    [Theory]
    [InlineData(0)] // not for the list of /proc
    [InlineData(1)] // for the list, and not for one entry
    public async Task StopTree_ProcCannotBeRead_StopsTheGroupAndSaysSo(int descriptorsLeft)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StopAsync, [descriptorsLeft.ToString(CultureInfo.InvariantCulture)], FullPool.Via);
        await scenario.EndWellAsync();
    }

    internal static async Task StopAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        await using WatchingLoop watching = await WatchingLoop.StartAsync(new PidfdChildWatcher());
        await using SubprocessFactory factory = new(watching.Loop, watching.Watcher);
        await StopATreeAsync(factory, 1000); // loads what must be loaded while there are descriptors

        int limit = TestLibc.GetDescriptorLimit();
        PosixResult lowestFree = Libc.EventFd();
        Assert.True(lowestFree.IsSuccess);
        Libc.Close(lowestFree.IntValue);
        IOException? refusal = await Assert.ThrowsAsync<IOException>(
            () => StopATreeAsync(factory, lowestFree.IntValue + int.Parse(args[0], CultureInfo.InvariantCulture)));
        Assert.Equal(limit, TestLibc.GetDescriptorLimit());
        Assert.Contains("were stopped, but", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task StopATreeAsync(SubprocessFactory factory, int shortLimit)
    {
        int limit = TestLibc.GetDescriptorLimit();
        await using ISubprocess child = await factory.StartAsync(new("/bin/sh", "-c", "sleep 1000 & wait") { Input = Stdio.Null });
        TestLibc.SetDescriptorLimit(shortLimit);
        try
        {
            await child.StopTreeAsync(TimeSpan.Zero);
        }
        finally
        {
            TestLibc.SetDescriptorLimit(limit);
            Assert.Equal(UnixSignal.Kill, child.ExitStatus?.Signal);
            Eventually.True(() => !ProcessTable.Read().Exists(entry => entry.IsAlive && entry.Group == child.Id), "the group is empty");
        }
    }
}
