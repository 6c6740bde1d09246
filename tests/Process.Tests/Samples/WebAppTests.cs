using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Samples;

[SupportedOSPlatform("linux")]
public sealed partial class WebAppTests : IDisposable
{
    private const int SIGTERM = 15;
    private const int SIGKILL = 9;

    private readonly WebAppFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // No leak checks: a client's connections end in the background.
    [Fact]
    public async Task Get_EveryEndpoint_OverTheSocket()
    {
        await using SampleProgram web = _folder.Start();
        using HttpClient client = _folder.Client();
        Assert.Contains("/whoami", await client.GetStringAsync(At("/")), StringComparison.Ordinal);
        Assert.Equal("hello", await client.GetStringAsync(At("/plaintext")));
        Assert.Equal("hello", (await client.GetFromJsonAsync<JsonElement>(At("/json"))).GetProperty("message").GetString());
        Assert.StartsWith($"pid {Environment.ProcessId} uid ", await client.GetStringAsync(At("/whoami")), StringComparison.Ordinal);
        Assert.Equal("10 ms later\n", await client.GetStringAsync(At("/slow?ms=10")));
        Assert.Equal("10 ms later\n", await client.GetStringAsync(At("/block?ms=10")));
        Assert.Equal(100_000, (await client.GetByteArrayAsync(At("/download?bytes=100000"))).Length);
        byte[] body = new byte[1 << 20];
        using ByteArrayContent upload = new(body);
        using HttpResponseMessage hash = await client.PostAsync(At("/upload"), upload);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(body)) + "\n", await hash.Content.ReadAsStringAsync());
        Assert.Equal("Healthy", await client.GetStringAsync(At("/healthz")));
        Assert.Equal("Healthy", await client.GetStringAsync(At("/livez")));
        Assert.Contains("unixloop_", await client.GetStringAsync(At("/metrics")), StringComparison.Ordinal);
        Assert.Contains("idler", await client.GetStringAsync(At("/processes")), StringComparison.Ordinal);
        using HttpResponseMessage wrong = await client.GetAsync(At("/slow?ms=-1"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(Convert.ToInt32("660", 8), (int)File.GetUnixFileMode(_folder.Socket));
    }

    [Fact]
    public async Task Tcp_IsServedBesideTheSocket_ButIsAStranger()
    {
        await using SampleProgram web = _folder.Start("--WebApp:Tcp", "127.0.0.1:0");
        string address = web.Lines.Select(line => Listening.Match(line)).First(match => match.Success).Groups[1].Value;
        using HttpClient client = new() { Timeout = TestTimeout, BaseAddress = new Uri(address) };
        Assert.Equal("tcp\n", await client.GetStringAsync(At("/whoami")));
        using StringContent command = new("uname");
        using HttpResponseMessage answer = await client.PostAsync(At("/run"), command);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("WebApp:Tcp", "localhost:80", "WebApp: WebApp:Tcp is 'localhost:80'; it must be an address and a port")]
    [InlineData("WebApp:Socket", "web.sock", "WebApp: WebApp:Socket is 'web.sock'; it must be an absolute path")]
    [InlineData("WebApp:AllowedUsers:0", "www-data", "WebApp: WebApp:AllowedUsers has 'www-data'; a user is given by its number")]
    [InlineData("UnixEventLoop:LoopCount", "many", "'many' at 'UnixEventLoop:LoopCount'")]
    [InlineData("UnixEventLoop:Listeners:web:Group", "nosuchgroup", "The listener 'web' can't be bound to")]
    public async Task Mistake_IsOneLine_AndExitCode1(string key, string value, string says)
    {
        await using SampleProgram web = SampleProgram.Start(SampleProgram.PathOf("WebApp"), _folder.Arguments([$"--{key}", value]));
        Assert.Equal(1, await web.WaitForExitAsync());
        Assert.Contains(says, web.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ACommand_StreamsItsOutput_AndStopsItWhenTheClientGoesAway()
    {
        await using SampleProgram web = _folder.Start();
        int childrenBefore = ProcFiles.ChildrenOf(web.Id).Length;
        using (HttpClient client = _folder.Client())
        {
            using StringContent uname = new("uname");
            using HttpResponseMessage answer = await client.PostAsync(At("/run"), uname);
            Assert.StartsWith("Linux ", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            using StringContent unknown = new("rm -rf");
            using HttpResponseMessage refused = await client.PostAsync(At("/run"), unknown);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);

            using HttpRequestMessage request = new(HttpMethod.Post, "/run") { Content = new StringContent("clock") };
            using HttpResponseMessage clock = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            using StreamReader lines = new(await clock.Content.ReadAsStreamAsync());
            Assert.NotEmpty((await lines.ReadLineAsync().WaitAsync(TestTimeout))!);
            Assert.NotEmpty((await lines.ReadLineAsync().WaitAsync(TestTimeout))!);
            Assert.True(ProcFiles.ChildrenOf(web.Id).Length > childrenBefore);
        }
        Eventually.True(() => ProcFiles.ChildrenOf(web.Id).Length == childrenBefore, "the command was stopped");
    }

    [Fact]
    public async Task Run_BySomebodyWhoIsNotAllowed_Is403()
    {
        await using SampleProgram web = _folder.Start("--WebApp:AllowedUsers:0", "64999");
        using HttpClient client = _folder.Client();
        using StringContent command = new("uname");
        using HttpResponseMessage answer = await client.PostAsync(At("/run"), command);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task Term_RequestInFlightFinishes_TheSocketIsGone_ExitCode0()
    {
        await using SampleProgram web = _folder.Start();
        using HttpClient client = _folder.Client();
        await client.GetStringAsync(At("/plaintext"));
        Task<string> slow = client.GetStringAsync(At("/slow?ms=1500"));
        await client.GetStringAsync(At("/plaintext"));
        web.Kill(SIGTERM);
        web.Expect("stopping the application");
        Assert.Equal("1500 ms later\n", await slow.WaitAsync(TestTimeout));
        Assert.Equal(0, await web.WaitForExitAsync());
        Assert.False(File.Exists(_folder.Socket));
    }

    /// <summary>A liveness probe that failed here would have it killed in its drain.</summary>
    [Fact]
    public async Task Term_WhileItDrains_IsLiveButNotReady()
    {
        await using SampleProgram web = _folder.Start("--UnixEventLoop:ShutdownDelay", "00:10:00");
        using HttpClient client = _folder.Client();
        web.Kill(SIGTERM);
        web.Expect("SIGTERM: draining");
        using HttpResponseMessage ready = await client.GetAsync(At("/healthz"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("Healthy", await client.GetStringAsync(At("/livez")));
        web.Kill(SIGTERM);
        Assert.Equal(0, await web.WaitForExitAsync());
    }

    /// <summary>The start waits for a lock that somebody else holds (flock(2)), for 2 s.</summary>
    [Fact]
    public async Task Term_InTheStart_EndsWithoutACrash()
    {
        using FileStream held = new(_folder.Socket + ".lock", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        await using SampleProgram web = SampleProgram.Start(SampleProgram.PathOf("WebApp"), _folder.Arguments());
        web.Expect("Children are watched by");
        web.Kill(SIGTERM);
        Assert.Equal(0, await web.WaitForExitAsync());
        web.Expect("SIGTERM during start-up: the start is cancelled");
        Assert.Equal(0, web.Count("Unhandled exception"));
    }

    [Fact]
    public async Task SecondInstance_IsRefused_TheFirstGoesOn_AndAfterKillTheNextTakesOver()
    {
        // Its supervised process would outlive the KILL.
        await using SampleProgram first = _folder.Start("--UnixEventLoop:Processes:idler:AutoStart", "false");
        await using (SampleProgram second = SampleProgram.Start(SampleProgram.PathOf("WebApp"), _folder.Arguments()))
        {
            Assert.Equal(1, await second.WaitForExitAsync());
            Assert.Contains(_folder.Socket, second.ToString(), StringComparison.Ordinal);
            Assert.Contains("address already in use", second.ToString(), StringComparison.OrdinalIgnoreCase);
        }
        using HttpClient client = _folder.Client();
        Assert.Equal("hello", await client.GetStringAsync(At("/plaintext")));
        first.Kill(SIGKILL);
        await first.WaitForExitAsync();
        Assert.True(File.Exists(_folder.Socket));
        await using SampleProgram third = _folder.Start();
        using HttpClient again = _folder.Client();
        Assert.Equal("hello", await again.GetStringAsync(At("/plaintext")));
    }

    [Fact]
    public void Settings_Address_IsTheLoopback() =>
        Assert.Contains("\"127.0.0.1:5080\"", File.ReadAllText(Path.Combine(SampleProgram.FolderOf("WebApp"), "appsettings.json")), StringComparison.Ordinal);

    private static Uri At(string path) => new(path, UriKind.Relative);

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex Listening { get; }
}
