using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using UnixLoop.Kestrel.Tests.Support;
using UnixLoop.Process.Tests.Samples;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>Two servers behind nginx, replaced one at a time under load, as an orchestrator rolls replicas: no request fails.</summary>
public sealed partial class RolloutTests
{
    private const int Term = 15;
    private const int LeastRequests = 100;

    [Fact]
    public async Task Rollouts_BehindNginx_NoRequestFails()
    {
        int rollouts = int.Parse(Environment.GetEnvironmentVariable("UNIXLOOP_ROLLOUTS") ?? "2", CultureInfo.InvariantCulture);
        (string nginx, string h2load) = (Requires.Tool("nginx"), Requires.Tool("h2load"));
        string folder = Directory.CreateTempSubdirectory("rollout-").FullName;
        SampleProgram[] servers = [StartServer(folder, "a"), StartServer(folder, "b")];
        await using SampleProgram balancer = StartNginx(nginx, folder);
        string front = Path.Combine(folder, "front");
        Eventually.True(() => File.Exists(front), "nginx listens");
        // POST: what nginx has sent once it does not send again, so that a connection closed at the wrong moment shows as a 502. Only where
        // nobody listens it goes to the other server.
        string body = Path.Combine(folder, "body");
        File.WriteAllText(body, "body");
        using System.Diagnostics.Process load = System.Diagnostics.Process.Start(new ProcessStartInfo(
            h2load, ["--h1", "-c", "8", "-t", "1", "--duration", $"{rollouts * 6 + 14}", "-d", body, $"--base-uri=unix:{front}", "http://x/"])
        { RedirectStandardOutput = true })!;

        Eventually.True(() => Answered(folder, "a") + Answered(folder, "b") >= LeastRequests, "the load runs");

        for (int i = 0; i < rollouts; i++)
        {
            for (int side = 0; side < servers.Length; side++)
            {
                SampleProgram old = servers[side];
                old.Kill(Term);
                // What the orchestrator does when readiness has gone: new connections find no endpoint here. Without that, those that are still
                // in the listener's queue when it closes are lost.
                string socket = Path.Combine(folder, side == 0 ? "a" : "b");
                File.Move(socket, socket + ".old");
                Assert.Equal(0, await old.WaitForExitAsync());
                await old.DisposeAsync();
                File.Delete(socket + ".old");
                servers[side] = StartServer(folder, side == 0 ? "a" : "b");
            }
            Assert.False(load.HasExited, "the load lasts longer than the rollouts");
        }

        string report = await load.StandardOutput.ReadToEndAsync().WaitAsync(TestTimeout * 4);
        await load.WaitForExitAsync().WaitAsync(TestTimeout);
        load.StandardOutput.Dispose();
        foreach (SampleProgram server in servers)
            await server.DisposeAsync();
        balancer.Kill(Term);
        await balancer.WaitForExitAsync();
        Directory.Delete(folder, recursive: true);

        TestContext.Current.TestOutputHelper!.WriteLine(report);
        Match requests = LoadReport.Match(report);
        Assert.True(requests.Success && int.Parse(requests.Groups["done"].Value, CultureInfo.InvariantCulture) >= LeastRequests, report);
        Assert.Equal("0", requests.Groups["failed"].Value);
        Assert.Equal(requests.Groups["done"].Value, requests.Groups["well"].Value);
    }

    private static SampleProgram StartServer(string folder, string name) => DrainTests.Start(
        $"--socket={Path.Combine(folder, name)}", "--UnixEventLoop:ShutdownDelay=00:00:01", "--UnixEventLoop:DrainIdleLinger=00:00:00.700", "--Logging:LogLevel:Default=Warning");

    private static int Answered(string folder, string name)
    {
        using HttpClient client = UnixHttp.Client(Path.Combine(folder, name));
        using HttpResponseMessage answer = client.Send(new HttpRequestMessage(HttpMethod.Get, new Uri("/answered", UriKind.Relative)));
        using StreamReader text = new(answer.Content.ReadAsStream());
        return int.Parse(text.ReadToEnd(), CultureInfo.InvariantCulture);
    }

    private static SampleProgram StartNginx(string nginx, string folder)
    {
        string configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            daemon off;
            user root;
            worker_processes 1;
            pid {{folder}}/pid;
            error_log stderr error;
            events { worker_connections 256; }
            http {
                access_log off;
                client_body_temp_path {{folder}}; proxy_temp_path {{folder}}; fastcgi_temp_path {{folder}}; uwsgi_temp_path {{folder}}; scgi_temp_path {{folder}};
                upstream servers {
                    server unix:{{folder}}/a max_fails=0;
                    server unix:{{folder}}/b max_fails=0;
                    keepalive 8;
                }
                server {
                    listen unix:{{folder}}/front;
                    keepalive_requests 1000000;
                    location / {
                        proxy_pass http://servers;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                    }
                }
            }
            """);
        return SampleProgram.Start(nginx, "-p", folder, "-c", configuration, "-e", "stderr");
    }

    [GeneratedRegex(@"requests: \d+ total, \d+ started, (?<done>\d+) done, (?<well>\d+) succeeded, (?<failed>\d+) failed")]
    private static partial Regex LoadReport { get; }
}
