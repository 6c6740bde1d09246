using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class ReadinessTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData(">&2")]
    public async Task Pattern_LineOfEitherStream_MakesItReady(string redirect)
    {
        string gate = Path.GetTempFileName();
        await using SupervisedHost host = await SupervisedHost.StartAsync(
            "web", $"echo listens later; while [ -e {gate} ]; do sleep 0.01; done; echo 'listening on port 80' {redirect}; exec sleep 1000",
            options => options.ReadyPattern = @"^listening on port \d+$");
        Eventually.True(() => host.Lines("web").Length == 1, "the first line");
        host.Expect("web", SupervisedProcessState.Unready);
        HealthReportEntry entry = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("web: Unready", entry.Description);

        File.Delete(gate);

        host.Expect("web", SupervisedProcessState.Ready);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Socket_OnceItAccepts_MakesItReady(bool isAbstract)
    {
        string name = Path.Combine(Path.GetTempPath(), $"ready-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // Bound, and so to be seen, but not accepting.
        listener.Bind(new UnixDomainSocketEndPoint(isAbstract ? '\0' + name : name));
        await using SupervisedHost host = await SupervisedHost.StartAsync(
            "web", "echo up; exec sleep 1000", options => options.ReadySocket = isAbstract ? '@' + name : name);
        Eventually.True(() => host.Lines("web").Length == 1, "it runs");
        host.Expect("web", SupervisedProcessState.Unready);

        listener.Listen();

        host.Expect("web", SupervisedProcessState.Ready);
        File.Delete(name);
    }

    [Fact]
    public async Task Timeout_NeverReady_IsStoppedAndCountsAsAFailure()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("slow", "exec sleep 1000", options =>
        {
            options.ReadyPattern = "never";
            options.ReadyTimeout = TimeSpan.FromMilliseconds(50);
            options.MaxStarts = 2;
        });
        SupervisedProcessStatus status = host.Expect("slow", SupervisedProcessState.Failed);
        Assert.Equal(2, status.Starts);
        Assert.All(status.LastExits, exit => Assert.Equal(UnixSignal.Term, exit.Status!.Value.Signal));
        Assert.Equal(2, host.Count("ProcessNotReady"));
        Assert.Contains("slow: Failed", (await CheckAsync(host)).Description);
    }

    [Fact]
    public async Task End_BeforeReady_IsAnEndLikeAnyOther()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exit 0", options =>
        {
            options.ReadyPattern = "never";
            options.Restart = RestartPolicy.OnFailure;
        });
        host.Expect("web", SupervisedProcessState.Completed);
        Assert.Equal(0, host.Count("ProcessReady"));
    }

    [Fact]
    public async Task Pattern_TooSlow_CountsAsNoMatchAndIsSaid()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", $"echo {new string('a', 40)}!; echo up; exec sleep 1000", options => options.ReadyPattern = "^(a+)+$|^up$");
        host.Expect("web", SupervisedProcessState.Ready);
        Assert.Equal(1, host.Count("ReadyPatternTooSlow"));
    }

    [Fact]
    public async Task Health_StoppedOnPurpose_IsNotDown()
    {
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exec sleep 1000");
        await host.Supervisor.StopAsync("web").WaitAsync(TestTimeout);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
    }

    private static async Task<HealthReportEntry> CheckAsync(SupervisedHost host)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync().WaitAsync(TestTimeout);
        return report.Entries["unix-event-loop"];
    }
}
