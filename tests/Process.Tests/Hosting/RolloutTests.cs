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
        string body = Path.Combine(folder, "body");
        File.WriteAllText(body, "body");
        using CancellationTokenSource over = new();
        // Of unequal lengths: while one is started again, the other asks.
        Task<List<string>>[] loads = [.. ((int[])[2, 3]).Select(seconds => LoadAsync(h2load, front, body, seconds, over.Token))];

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
        }

        await over.CancelAsync();
        string[] reports = [.. (await Task.WhenAll(loads)).SelectMany(own => own)];
        foreach (SampleProgram server in servers)
            await server.DisposeAsync();
        balancer.Kill(Term);
        await balancer.WaitForExitAsync();
        Directory.Delete(folder, recursive: true);

        int done = 0;
        foreach (string report in reports)
        {
            TestContext.Current.TestOutputHelper!.WriteLine(report);
            Match requests = LoadReport.Match(report);
            Assert.True(requests.Success, report);
            Assert.Equal("0", requests.Groups["failed"].Value);
            Assert.Equal(requests.Groups["done"].Value, requests.Groups["well"].Value);
            done += int.Parse(requests.Groups["done"].Value, CultureInfo.InvariantCulture);
        }
        Assert.True(done >= LeastRequests, $"only {done} requests were answered");
    }

    /// <summary>
    /// Asks again and again, as long as the rollouts last. POST: what nginx has sent once it does not send again, so that a connection
    /// closed at the wrong moment shows as a 502. Only where nobody listens it goes to the other server.
    /// </summary>
    private static async Task<List<string>> LoadAsync(string h2load, string front, string body, int seconds, CancellationToken over)
    {
        List<string> reports = [];
        while (!over.IsCancellationRequested)
        {
            using System.Diagnostics.Process load = System.Diagnostics.Process.Start(new ProcessStartInfo(
                h2load, ["--h1", "-c", "4", "-t", "1", "--duration", $"{seconds}", "-d", body, $"--base-uri=unix:{front}", "http://x/"])
            { RedirectStandardOutput = true })!;
            reports.Add(await load.StandardOutput.ReadToEndAsync(CancellationToken.None).WaitAsync(TestTimeout, CancellationToken.None));
            await load.WaitForExitAsync(CancellationToken.None).WaitAsync(TestTimeout, CancellationToken.None);
            load.StandardOutput.Dispose();
        }
        return reports;
    }

    private static SampleProgram StartServer(string folder, string name) => DrainTests.Start(
        $"--socket={Path.Combine(folder, name)}", "--UnixEventLoop:ShutdownDelay=00:00:04", "--UnixEventLoop:DrainIdleLinger=00:00:03", "--Logging:LogLevel:Default=Warning");

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
                    keepalive_timeout 500ms; # far less than the linger: with the processors taken, all of this stands still for a second at times
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
