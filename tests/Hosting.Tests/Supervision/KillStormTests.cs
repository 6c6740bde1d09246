using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>Real children, killed at random beside commands at random: every exit is accounted for, and of every line written none is lost.</summary>
public sealed class KillStormTests : IDisposable
{
    // Numbered lines until it is killed; the first names it.
    private const string Chatter = "echo begin $$; i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; done; exec sleep 1000";

    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Storm_OfKills_LosesNothing(int seed)
    {
        string[] names = ["a", "b", "c", "d"];
        await using SupervisedHost host = await SupervisedHost.StartAsync(builder =>
        {
            foreach (string name in names)
                builder.AddSupervisedProcess(name, options => SupervisedHost.Shell(options, Chatter));
        });
        ConcurrentQueue<SupervisedProcessStateChange> changes = [];
        host.Supervisor.StateChanged += changes.Enqueue;

        int[] killed = await Task.WhenAll(names.Select(name => Task.Run(() => StormAsync(host.Supervisor, name, new Random(seed + name[0])))));
        await host.StopAsync();

        foreach (string name in names)
        {
            SupervisedProcessStatus status = host.Supervisor.GetProcess(name);
            Assert.Equal(SupervisedProcessState.Stopped, status.State);
            // Each start has exactly one end, of the same pid, and in between nothing else starts.
            (bool IsStart, string Pid)[] lives = [.. host.Records
                .Where(record => record.Id.Name is "ProcessStarted" or "ProcessEnded" && record.GetStructuredStateValue("Process") == name)
                .Select(record => (record.Id.Name == "ProcessStarted", record.GetStructuredStateValue("Pid")!))];
            Assert.Equal(status.Starts * 2, lives.Length);
            foreach ((bool IsStart, string Pid)[] life in lives.Chunk(2))
                Assert.Equal([(true, life[0].Pid), (false, life[0].Pid)], life);
            CheckLines(host, name);
            CheckChanges([.. changes.Where(change => change.Name == name)]);
        }
        Assert.All(killed, kills => Assert.True(kills > 0));
        Assert.Equal(0, host.Count("SupervisionFailed"));
    }

    private static async Task<int> StormAsync(ISupervisor supervisor, string name, Random random)
    {
        int kills = 0;
        for (int i = 0; i < 40; i++)
        {
            switch (random.Next(8))
            {
                case 0:
                    await supervisor.StopAsync(name).WaitAsync(TestTimeout);
                    await supervisor.StartAsync(name).WaitAsync(TestTimeout);
                    break;
                case 1:
                    await supervisor.RestartAsync(name).WaitAsync(TestTimeout);
                    break;
                case 2:
                    kills += supervisor.Signal(name, UnixSignal.Term) ? 1 : 0;
                    break;
                default:
                    kills += supervisor.Signal(name, UnixSignal.Kill) ? 1 : 0;
                    break;
            }
            Thread.Yield();
            if (random.Next(2) == 0)
                await supervisor.StartAsync(name).WaitAsync(TestTimeout);
        }
        return kills;
    }

    /// <summary>A run's lines are 1, 2, 3 … from its beginning up to where it was killed; and all of them carry its pid.</summary>
    private static void CheckLines(SupervisedHost host, string name)
    {
        int next = 0;
        string? pid = null;
        foreach (var record in host.Records.Where(record => record.Category == $"UnixLoop.Processes.{name}"))
        {
            string line = record.GetStructuredStateValue("Line")!;
            if (line.StartsWith("begin ", StringComparison.Ordinal))
            {
                pid = record.GetStructuredStateValue("Pid");
                Assert.Equal($"begin {pid}", line);
                next = 0;
                continue;
            }
            Assert.Equal(pid, record.GetStructuredStateValue("Pid"));
            Assert.Equal((++next).ToString(CultureInfo.InvariantCulture), line);
        }
    }

    private static void CheckChanges(SupervisedProcessStateChange[] changes)
    {
        for (int i = 1; i < changes.Length; i++)
            Assert.Equal(changes[i - 1].Current, changes[i].Previous);
    }
}
