using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using UnixLoop.Process.Tests.Samples;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>What clients of a web server see of its drain.</summary>
public sealed partial class DrainTests
{
    private const int Term = 15;
    private const string LongDelay = "--UnixEventLoop:ShutdownDelay=00:00:20";

    [Theory]
    [InlineData("h1", "http", "--h1")]
    [InlineData("tls", "https", "--h1")]
    public async Task Load_WhileDraining_NoRequestFails(string endpoint, string scheme, string protocol)
    {
        string h2load = Requires.Tool("h2load");
        const int Requests = 400;
        // On a machine where the client may not run for a second, a shorter linger would close connections under its next request.
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:10", "--Logging:LogLevel:Default=Warning");
        // 40 ms each: three quarters of them come in the drain, however fast the machine is.
        string url = $"{scheme}://127.0.0.1:{PortOf(server, endpoint)}/slow?ms=40";
        ProcessStartInfo start = new(h2load, [protocol, "-c", "8", "-t", "1", "-n", $"{Requests}", url]) { RedirectStandardOutput = true };
        using System.Diagnostics.Process load = System.Diagnostics.Process.Start(start)!;
        server.ExpectSoon(() => Answered(PortOf(server, "h1")) >= Requests / 4);

        server.Kill(Term);
        string report = await load.StandardOutput.ReadToEndAsync().WaitAsync(TestTimeout);
        await load.WaitForExitAsync().WaitAsync(TestTimeout);
        load.StandardOutput.Dispose();

        Match requests = LoadReport.Match(report);
        Assert.True(requests.Success, report);
        Assert.Equal((Requests, 0), (int.Parse(requests.Groups["done"].Value, CultureInfo.InvariantCulture), int.Parse(requests.Groups["failed"].Value, CultureInfo.InvariantCulture)));
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    // The load ends before the linger does.
    [Theory]
    [InlineData("h2c", "http")]
    [InlineData("tls", "https")]
    public async Task Http2Client_WhileDraining_NoRequestFails(string endpoint, string scheme)
    {
        await using SampleProgram server = Start("--UnixEventLoop:ShutdownDelay=00:00:04", "--UnixEventLoop:DrainIdleLinger=00:00:03.500");
        using SocketsHttpHandler handler = new();
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        using HttpClient client = new(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = TestTimeout };
        string url = $"{scheme}://127.0.0.1:{PortOf(server, endpoint)}/";
        Assert.Equal("well", await client.GetStringAsync(url));
        using CancellationTokenSource end = new(TimeSpan.FromSeconds(2));
        int answers = 0;
        Task[] askers = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                Assert.Equal("well", await client.GetStringAsync(url));
                Interlocked.Increment(ref answers);
            }
        }))];
        server.ExpectSoon(() => Volatile.Read(ref answers) > 20);

        server.Kill(Term);

        await Task.WhenAll(askers).WaitAsync(TestTimeout);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Http1_WhileDraining_AnswerSaysClose()
    {
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:10");
        int port = PortOf(server, "h1");
        using Client idle = Client.Connect(port);
        Assert.DoesNotContain("Connection: close", idle.Get("/"), StringComparison.Ordinal);
        using Client busy = Client.Connect(port);
        busy.Send("GET /slow?ms=1500 HTTP/1.1\r\nHost: x\r\n\r\n");
        server.ExpectSoon(() => Answers(port)); // on the same thread pool, after the slow one

        server.Kill(Term);
        ExpectDraining(server, port);

        Assert.Contains("Connection: close", busy.Receive(), StringComparison.Ordinal);
        Assert.Contains("Connection: close", idle.Get("/"), StringComparison.Ordinal); // was idle, and neither closed nor lost
        using Client late = Client.Connect(port);
        Assert.Contains("Connection: close", late.Get("/"), StringComparison.Ordinal);
        Assert.True(busy.IsClosed && idle.IsClosed && late.IsClosed);
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    // The application answers without reading the body, so that the server reads it after its answer.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Http1_BodyLeftUnread_NextRequestIsAnsweredWhileDraining(bool bodyEndsWhileDraining)
    {
        const string Head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n";
        string body = new('x', 40);
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:10");
        int port = PortOf(server, "h1");
        using Client client = Client.Connect(port);
        client.Send(bodyEndsWhileDraining ? Head : Head + body);
        Assert.DoesNotContain("Connection: close", client.Receive(), StringComparison.Ordinal);
        server.ExpectSoon(() => Answers(port)); // on the same thread pool, after the rest of the body

        server.Kill(Term);
        ExpectDraining(server, port);

        client.Send((bodyEndsWhileDraining ? body : "") + Head + body);
        Assert.Contains("Connection: close", client.Receive(), StringComparison.Ordinal);
        Assert.True(client.IsClosed);
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Http1_Idle_IsClosedAfterTheLinger()
    {
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:00.500");
        using Client idle = Client.Connect(PortOf(server, "h1"));
        idle.Get("/");
        long began = Stopwatch.GetTimestamp();
        server.Kill(Term);
        Assert.True(idle.IsClosed);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(10));
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Close_CallbackThrows_IsLoggedAndTheOthersAreClosed()
    {
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:00.500", "--throws=true");
        int port = PortOf(server, "h1");
        using Client first = Client.Connect(port);
        using Client second = Client.Connect(port);
        first.Get("/");
        second.Get("/");

        server.Kill(Term);

        Assert.True(first.IsClosed && second.IsClosed);
        server.ExpectSoon(() => server.Count("thrown at close") >= 2);
        server.Expect("was asked to close while the application drains");
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Http2_WhileDraining_GoAwayComes()
    {
        const byte GoAway = 7;
        await using SampleProgram server = Start(LongDelay, "--UnixEventLoop:DrainIdleLinger=00:00:00.500");
        using Client client = Client.Connect(PortOf(server, "h2c"));
        client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
        Assert.Equal(4, client.ReceiveFrame()); // SETTINGS

        server.Kill(Term);

        int type;
        do
            type = client.ReceiveFrame();
        while (type >= 0 && type != GoAway);
        Assert.Equal(GoAway, type);
        server.Kill(Term);
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Shutdown_EachPhase_IsLoggedWithItsTime()
    {
        await using SampleProgram server = Start("--UnixEventLoop:ShutdownDelay=00:00:00.200", "--Logging:LogLevel:UnixLoop=Information", "--UnixEventLoop:ExitCodeFromSignal=true");
        server.Expect("up to 00:00:32.2000000");
        server.Kill(Term);
        Assert.Equal(128 + Term, await server.WaitForExitAsync());
        string[] phases = [.. server.Lines.Select(line => Phase.Match(line)).Where(match => match.Success).Select(match => match.Groups["name"].Value)];
        Assert.Equal(["draining", "services", "children", "loops"], phases);
        server.Expect("Shutdown: over after");
    }

    internal static SampleProgram Start(params string[] arguments)
    {
        SampleProgram server = SampleProgram.Start(SampleProgram.PathOf("WebServer"), arguments);
        server.Expect("serving");
        return server;
    }

    internal static int PortOf(SampleProgram server, string endpoint) =>
        int.Parse(server.Lines.First(line => line.StartsWith($"port {endpoint} ", StringComparison.Ordinal)).Split(' ')[2], CultureInfo.InvariantCulture);

    private static bool Answers(int port)
    {
        using Client client = Client.Connect(port);
        return client.Get("/").StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
    }

    private static int Answered(int port)
    {
        using Client client = Client.Connect(port);
        return int.Parse(Chunk.Match(client.Get("/answered")).Groups["text"].Value, CultureInfo.InvariantCulture);
    }

    private static void ExpectDraining(SampleProgram server, int port) => server.ExpectSoon(() =>
    {
        using Client client = Client.Connect(port);
        return client.Get("/ready").StartsWith("HTTP/1.1 503", StringComparison.Ordinal);
    });

    /// <summary>A connection whose bytes can be seen.</summary>
    private sealed class Client : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        internal static Client Connect(int port)
        {
            Client client = new();
            client._socket.ReceiveTimeout = (int)TestTimeout.TotalMilliseconds;
            client._socket.Connect(IPAddress.Loopback, port);
            return client;
        }

        /// <summary>The end comes, and nothing before it.</summary>
        internal bool IsClosed => _socket.Receive(new byte[1]) == 0;

        internal void Send(string text) => _socket.Send(Encoding.Latin1.GetBytes(text));

        internal string Get(string path)
        {
            Send($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
            return Receive();
        }

        /// <summary>One chunked answer.</summary>
        internal string Receive()
        {
            StringBuilder answer = new();
            byte[] buffer = new byte[1024];
            do
            {
                int count = _socket.Receive(buffer);
                if (count == 0)
                    throw new EndOfStreamException($"closed after '{answer}'");
                answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
            while (!answer.ToString().EndsWith("0\r\n\r\n", StringComparison.Ordinal));
            return answer.ToString();
        }

        /// <summary>Its type; -1 at the end (RFC 9113, 4.1).</summary>
        internal int ReceiveFrame()
        {
            byte[] header = new byte[9];
            if (!Fill(header))
                return -1;
            return Fill(new byte[header[0] << 16 | header[1] << 8 | header[2]]) ? header[3] : -1;
        }

        public void Dispose() => _socket.Dispose();

        private bool Fill(byte[] bytes)
        {
            for (int at = 0, count; at < bytes.Length; at += count)
            {
                count = _socket.Receive(bytes.AsSpan(at));
                if (count == 0)
                    return false;
            }
            return true;
        }
    }

    [GeneratedRegex(@"requests: \d+ total, \d+ started, (?<done>\d+) done, \d+ succeeded, (?<failed>\d+) failed")]
    private static partial Regex LoadReport { get; }

    [GeneratedRegex(@"\r\n\r\n[0-9a-f]+\r\n(?<text>.*)\r\n0\r\n\r\n$")]
    private static partial Regex Chunk { get; }

    [GeneratedRegex(@"Shutdown, (?<name>\w+): over after \d\d:")]
    private static partial Regex Phase { get; }
}
