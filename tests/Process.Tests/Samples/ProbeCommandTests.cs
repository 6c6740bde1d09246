namespace UnixLoop.Process.Tests.Samples;

/// <summary>"WorkerApp probe" against a WorkerApp that runs.</summary>
public sealed class ProbeCommandTests
{
    private const int SIGTERM = 15;

    [Fact]
    public async Task Probe_FromServingToGone_FollowsTheApplication()
    {
        string socket = Path.Combine(Path.GetTempPath(), $"probe-{Guid.NewGuid():N}");
        await using SampleProgram worker = SampleProgram.Start("env", $"UnixEventLoop__HealthSocket={socket}", "UnixEventLoop__ShutdownDelay=00:01:00", "UnixEventLoop__ExitCodeFromSignal=true", SampleProgram.PathOf("WorkerApp"));
        worker.Expect("Application started");
        Assert.Equal(0, await ProbeAsync(socket, "live"));
        Assert.Equal(0, await ProbeAsync(socket, "ready"));

        worker.Kill(SIGTERM);
        worker.Expect("draining for");
        Assert.Equal(0, await ProbeAsync(socket, "live"));
        Assert.Equal(1, await ProbeAsync(socket, "ready"));

        worker.Kill(SIGTERM);
        Assert.Equal(128 + SIGTERM, await worker.WaitForExitAsync());
        Assert.Equal(1, await ProbeAsync(socket, "live"));
        Assert.Equal(2, await ProbeAsync(socket, "alive"));
    }

    private static async Task<int> ProbeAsync(string socket, string question)
    {
        await using SampleProgram probe = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "probe", socket, question);
        return await probe.WaitForExitAsync();
    }
}
