using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using UnixLoop.Kestrel.Tests.Support;
using UnixLoop.Process.Tests.Architecture;
using UnixLoop.Process.Tests.Children;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>
/// The images of samples/deploy, as far as they can be had without an engine: each sample as PID 1, with the variables of its base image and
/// its Dockerfile, its settings, an empty home, and no program in PATH.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed partial class ImageTests : IDisposable
{
    private const int Term = 15;
    private const string EmptyPath = "PATH=/nonexistent";

    /// <summary>What .NET's chiseled images set (dotnet/dotnet-docker, runtime-deps), and a Dockerfile may set again.</summary>
    private static readonly string[] s_baseImage =
        ["APP_UID=1654", "ASPNETCORE_HTTP_PORTS=8080", "DOTNET_RUNNING_IN_CONTAINER=true", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=true"];

    private readonly string _tmp = Directory.CreateTempSubdirectory("image-").FullName;

    public void Dispose() => Directory.Delete(_tmp, recursive: true);

    [Fact]
    public async Task WebApp_ServesWithoutAWarning_AndEndsWell()
    {
        string socket = Path.Combine(_tmp, "web.sock");
        await using SampleProgram image = Start(SampleProgram.PathOf("WebApp"), "WebApp", $"WebApp__Socket={socket}");
        image.Expect("Application started");
        Assert.Equal(1, image.Count("Now listening on: ")); // the socket alone
        using (HttpClient client = UnixHttp.Client(socket))
        {
            Assert.Equal("hello", await client.GetStringAsync(new Uri("/plaintext", UriKind.Relative)));
            Assert.Equal("Healthy", await client.GetStringAsync(new Uri("/healthz", UriKind.Relative)));
        }
        await EndWellAsync(image);
    }

    [Fact]
    public async Task WorkerApp_RunsItsJobWithoutAWarning_AndEndsWell()
    {
        using WorkerFolder folder = new();
        folder.Replace(InOurPlaces(Repository.ReadDocument("samples/deploy/WorkerApp.appsettings.json"), folder.Program));
        await using SampleProgram image = Start(folder.Program, "WorkerApp");
        image.Expect("Application started");
        image.Expect(line => Regex.IsMatch(line, @"self\[\d+\] ended: exit code 0"), "the end of the job");
        await EndWellAsync(image);
    }

    private SampleProgram Start(string program, string sample, params string[] further)
    {
        InitProcessTests.RequiresPidNamespace();
        string[] variables = [.. Variable.Matches(Repository.ReadDocument($"samples/deploy/{sample}.Dockerfile")).Select(match => InOurPlaces(match.Groups["text"].Value, program))];
        Assert.NotEmpty(variables);
        return SampleProgram.Start("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", "env", EmptyPath, $"HOME={_tmp}", .. s_baseImage, .. variables, .. further, program]);
    }

    private string InOurPlaces(string text, string program) => text
        .Replace("/tmp/", _tmp + "/", StringComparison.Ordinal)
        .Replace("/app/WorkerApp", program, StringComparison.Ordinal);

    /// <summary>TERM goes to PID 1, as an engine sends it.</summary>
    private static async Task EndWellAsync(SampleProgram image)
    {
        int init = int.Parse(File.ReadAllText($"/proc/{image.Id}/task/{image.Id}/children"), CultureInfo.InvariantCulture);
        TestLibc.Kill(init, Term);
        Assert.Equal(0, await image.WaitForExitAsync());
        Assert.DoesNotContain(image.Lines, line => Worrying.IsMatch(line));
    }

    [GeneratedRegex(@"^ENV (?<text>\S+=\S*)$", RegexOptions.Multiline)]
    private static partial Regex Variable { get; }

    [GeneratedRegex(@"\b(warn|fail|crit): ")]
    private static partial Regex Worrying { get; }
}
