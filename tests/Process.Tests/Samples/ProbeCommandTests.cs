using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using UnixLoop.Process.Tests.Architecture;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>"WorkerApp probe" against a WorkerApp that runs.</summary>
public sealed partial class ProbeCommandTests
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

    /// <summary>Its own word is seen: an orchestrator that has waited long enough kills the probe.</summary>
    [Fact]
    public async Task Probe_NoAnswer_SaysSoBeforeTheTimeOfTheShippedProbesIsOver()
    {
        string path = Path.Combine(Path.GetTempPath(), $"silent-{Guid.NewGuid():N}");
        using Socket silent = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        silent.Bind(new UnixDomainSocketEndPoint(path));
        silent.Listen();

        await using SampleProgram probe = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "probe", path, "live");
        Assert.Equal(1, await probe.WaitForExitAsync());

        File.Delete(path);
        int patience = Seconds(NoAnswer.Match(probe.ToString()));
        int[] times = [.. ProbeTime.Matches(Repository.ReadDocument("samples/deploy/worker.yaml") + Repository.ReadDocument("samples/deploy/WorkerApp.Dockerfile")).Select(Seconds)];
        Assert.Equal(4, times.Length);
        // A second for the start of the runtime.
        Assert.All(times, time => Assert.InRange(patience, 1, time - 1));
    }

    /// <summary>Many probes at once, say: it waits its turn, and is no "no" yet.</summary>
    [Fact]
    public async Task Probe_FullBacklog_TriesUntilItsTimeIsOver()
    {
        string path = Path.Combine(Path.GetTempPath(), $"full-{Guid.NewGuid():N}");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(0); // room for one (unix_recvq_full of net/unix/af_unix.c)
        using Socket first = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await first.ConnectAsync(new UnixDomainSocketEndPoint(path));

        await using SampleProgram probe = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "probe", path, "live");
        Assert.Equal(1, await probe.WaitForExitAsync());

        File.Delete(path);
        Assert.Matches(NoAnswer, probe.ToString());
    }

    /// <summary>As the oldest of too many silent clients is given up: with its question unread, which resets the connection, or read and not looked at.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Probe_GivenUp_AsksAgain(int bytesRead)
    {
        string path = Path.Combine(Path.GetTempPath(), $"reset-{Guid.NewGuid():N}");
        using CancellationTokenSource patience = new(TestTimeout);
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        await using SampleProgram probe = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "probe", path, "live");
        using (Socket given = await listener.AcceptAsync(patience.Token))
            await given.ReceiveAsync(new byte[bytesRead], SocketFlags.None, patience.Token); // what is left of the question stays

        using (Socket asked = await listener.AcceptAsync(patience.Token))
        {
            await asked.ReceiveAsync(new byte[16], SocketFlags.None, patience.Token);
            await asked.SendAsync("ok\n"u8.ToArray(), SocketFlags.None, patience.Token);
        }

        Assert.Equal(0, await probe.WaitForExitAsync());
        File.Delete(path);
    }

    private static int Seconds(Match match) => int.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture);

    private static async Task<int> ProbeAsync(string socket, string question)
    {
        await using SampleProgram probe = SampleProgram.Start(SampleProgram.PathOf("WorkerApp"), "probe", socket, question);
        return await probe.WaitForExitAsync();
    }

    [GeneratedRegex(@"no answer within (?<seconds>\d+) s")]
    private static partial Regex NoAnswer { get; }

    [GeneratedRegex(@"(timeoutSeconds: |--timeout=)(?<seconds>\d+)")]
    private static partial Regex ProbeTime { get; }
}
