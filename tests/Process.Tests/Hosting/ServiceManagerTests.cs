using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>NOTIFY_SOCKET is set, and UseSystemd is called before, after or not at all.</summary>
/// <remarks>UseSystemd does something only in a child of a process named systemd; so this one takes that name.</remarks>
public sealed class ServiceManagerTests : IDisposable
{
    private const int Term = 15;
    private const string OwnName = "/proc/self/comm";

    private readonly string _ownName = File.ReadAllText(OwnName);

    public ServiceManagerTests() => File.WriteAllText(OwnName, "systemd");

    public void Dispose() => File.WriteAllText(OwnName, _ownName);

    [Theory]
    [InlineData("none", false)]
    [InlineData("none", true)]
    [InlineData("systemd-first", false)]
    [InlineData("systemd-first", true)]
    public async Task Rule30_Notify_OurLifetime_TellsReadyAndStoppingOnce(string lifetime, bool isAbstract)
    {
        using var manager = new ServiceManager(isAbstract);
        await using ScenarioProcess host = Start(manager, $"--lifetime={lifetime}", "--UnixEventLoop:ShutdownDelay=00:59:00");
        Assert.Equal("READY=1", manager.Receive());
        await host.ExpectAsync("started");

        host.Kill(Term);
        Assert.Equal("STOPPING=1", manager.Receive());
        await host.ExpectAsync("draining");
        host.Kill(Term);

        await host.ExpectAsync("stopped");
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Rule30_Notify_SystemdsLifetimeAfterOurs_TellsReadyAndStoppingOnce()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = Start(manager, "--lifetime=systemd-last");
        await host.ExpectAsync("log LifetimeSteppedBack");
        Assert.Equal("READY=1", manager.Receive());
        await host.ExpectAsync("started");

        host.Kill(Term);

        Assert.Equal("STOPPING=1", manager.Receive());
        await host.ExpectAsync("stopped");
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Start_SystemdsLifetimeAfterOursWithDelay_SaysTheRightOrder()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = Start(manager, "--lifetime=systemd-last", "--UnixEventLoop:ShutdownDelay=00:00:05");

        string line;
        do
            line = await host.ReadLineAsync();
        while (!line.StartsWith("refused: ", StringComparison.Ordinal));

        Assert.Contains("call UseSystemd before AddUnixEventLoop", line, StringComparison.OrdinalIgnoreCase);
        Assert.True(manager.IsEmpty);
    }

    [Fact]
    public async Task Rule30_Notify_StartCancelled_IsNeverReady()
    {
        using var manager = new ServiceManager(isAbstract: false);
        await using ScenarioProcess host = Start(manager, "--hang=start");
        await host.ExpectAsync("starting");

        host.Kill(Term);

        Assert.Equal("STOPPING=1", manager.Receive());
        await host.ExpectAsync("start cancelled");
        await host.WaitForExitAsync();
        Assert.True(manager.IsEmpty);
    }

    private static ScenarioProcess Start(ServiceManager manager, params string[] args) =>
        ScenarioProcess.Start(HostScenarios.ServeAsync, args, via: ["env", $"NOTIFY_SOCKET={manager.Address}"]);
}
