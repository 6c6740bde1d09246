using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Samples;

public sealed partial class WebAppTests
{
    private const int SIGTERM = 15;

    // No leak check: HttpClient's connection pool outlives the test.
    [Fact]
    public async Task Get_Root_RunsACommandAndShowsTheLoop()
    {
        await using SampleProgram web = SampleProgram.Start(SampleProgram.PathOf("WebApp"), "--urls", "http://127.0.0.1:0");
        web.Expect(line => Listening.IsMatch(line), "Now listening on");
        string address = web.Lines.Select(line => Listening.Match(line)).First(match => match.Success).Groups[1].Value;

        using HttpClient client = new() { Timeout = TestTimeout };
        JsonElement answer = await client.GetFromJsonAsync<JsonElement>(address);
        Assert.StartsWith("Linux ", answer.GetProperty("output").GetString(), StringComparison.Ordinal);
        Assert.Equal("exit code 0", answer.GetProperty("exit").GetString());
        Assert.True(answer.GetProperty("loop").GetProperty("turns").GetInt64() > 0);

        web.Kill(SIGTERM);
        Assert.Equal(0, await web.WaitForExitAsync());
    }

    [Fact]
    public void Settings_Address_IsTheLoopback() =>
        Assert.Contains("\"http://127.0.0.1:5080\"", File.ReadAllText(Path.Combine(SampleProgram.FolderOf("WebApp"), "appsettings.json")), StringComparison.Ordinal);

    [GeneratedRegex(@"Now listening on: (http://127\.0\.0\.1:\d+)")]
    private static partial Regex Listening { get; }
}
