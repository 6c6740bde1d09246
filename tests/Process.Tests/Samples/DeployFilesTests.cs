using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Hosting;
using UnixLoop.Process.Tests.Architecture;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>The manifests and units of samples/deploy, as far as they can be had without a cluster and a running systemd.</summary>
public sealed partial class DeployFilesTests
{
    [Theory]
    [InlineData("worker.yaml")]
    [InlineData("web-sidecar.yaml")]
    [InlineData("workerapp.service")]
    [InlineData("webapp.service")]
    public void Grace_FollowsFromTheOptions(string file)
    {
        string text = Repository.ReadDocument($"samples/deploy/{file}");
        TimeSpan delay = Delay.Match(text) is { Success: true } match ? TimeSpan.Parse(match.Groups["time"].Value, CultureInfo.InvariantCulture) : TimeSpan.Zero;
        TimeSpan grace = TimeSpan.FromSeconds(int.Parse(Grace.Match(text).Groups["seconds"].Value, CultureInfo.InvariantCulture));
        Assert.Equal(delay + new HostOptions().ShutdownTimeout + TimeSpan.FromSeconds(2), grace);
    }

    /// <summary>Each container says whether it lives, and the kubelet looks a port's name up in the probed container alone: another's makes a probe that always fails.</summary>
    [Theory]
    [InlineData("worker.yaml")]
    [InlineData("web-sidecar.yaml")]
    public void Probes_OfEachContainer_AskItsOwnPorts(string file)
    {
        Match[] containers = [.. Container.Matches(Repository.ReadDocument($"samples/deploy/{file}")).Where(match => match.Value.Contains(" image: ", StringComparison.Ordinal))];
        Assert.NotEmpty(containers);
        Assert.All(containers, container =>
        {
            Assert.Contains("livenessProbe:", container.Value, StringComparison.Ordinal);
            string[] ports = [.. ContainerPort.Matches(container.Value).Select(match => match.Groups["name"].Value)];
            Assert.All(ProbedPort.Matches(container.Value), probed => Assert.Contains(probed.Groups["name"].Value, ports));
        });
    }

    /// <summary>No unknown key, no bad value; systemd before 253 does not know notify-reload, as the unit says.</summary>
    [Fact]
    public async Task Units_AreUnderstoodBySystemd()
    {
        string verify = Requires.Tool("systemd-analyze");
        string folder = Directory.CreateTempSubdirectory("units-").FullName;
        string[] units = ["workerapp.service", "webapp.service", "webapp.socket"];
        foreach (string unit in units)
            File.WriteAllText(Path.Combine(folder, unit), Program.Replace(Repository.ReadDocument($"samples/deploy/{unit}"), "ExecStart=/bin/true"));

        await using SampleProgram analysis = SampleProgram.Start(verify, ["verify", "--man=no", .. units.Select(unit => Path.Combine(folder, unit))]);

        Assert.Equal(0, await analysis.WaitForExitAsync());
        Assert.DoesNotContain(analysis.Lines, line => line.Contains(folder, StringComparison.Ordinal) && !line.EndsWith("notify-reload", StringComparison.Ordinal));
        Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"UnixEventLoop__ShutdownDelay(=|, value: "")(?<time>[0-9:]+)")]
    private static partial Regex Delay { get; }

    [GeneratedRegex(@"(terminationGracePeriodSeconds: |TimeoutStopSec=)(?<seconds>\d+)")]
    private static partial Regex Grace { get; }

    /// <summary>An item of a pod's lists, with all that is indented deeper.</summary>
    [GeneratedRegex(@"^ {8}- name: .*\n( {10}.*\n)*", RegexOptions.Multiline)]
    private static partial Regex Container { get; }

    [GeneratedRegex(@"name: (?<name>\S+), containerPort: ")]
    private static partial Regex ContainerPort { get; }

    [GeneratedRegex(@"\bport: (?<name>[a-z][a-z0-9-]*)")]
    private static partial Regex ProbedPort { get; }

    [GeneratedRegex("^ExecStart=.*$", RegexOptions.Multiline)]
    private static partial Regex Program { get; }
}
