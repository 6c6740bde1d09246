using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>UnixEventLoop:Listeners.</summary>
[SupportedOSPlatform("linux")]
public sealed class ListenerTests : KestrelTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-kestrel-").FullName;

    private string SocketPath => Path.Combine(_folder, "in/web.sock");

    public override void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    [Fact]
    public async Task Section_ModeAndDirectory_AreTheFiles()
    {
        await using WebApplication app = await StartAsync(("Path", SocketPath), ("Mode", "0640"), ("DirectoryMode", "0750"));
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(SocketPath));
        Assert.Equal(Convert.ToInt32("750", 8), (int)File.GetUnixFileMode(Path.GetDirectoryName(SocketPath)!));
        Assert.Equal("served", await AskAsync());
        await app.StopAsync().WaitAsync(TestTimeout);
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task AllowedUsers_WithoutUs_RefusesBeforeAByteIsParsed_AndLogsIt()
    {
        await using WebApplication app = await StartAsync(("Path", SocketPath), ("DirectoryMode", "0700"), ("AllowedUsers:0", "64999"));
        using (RawClient client = await RawClient.ConnectAsync(SocketPath))
            Assert.Equal("", await client.ReceiveAllAsync());
        FakeLogCollector log = app.Services.GetFakeLogCollector();
        Eventually.True(() => log.GetSnapshot().Any(record => record.Message.Contains("uid", StringComparison.Ordinal) && record.Level >= LogLevel.Information && record.Id.Id is >= 1520 and < 1550), "a log event of the refusal");
        Assert.DoesNotContain(log.GetSnapshot(), record => record.Category?.Contains("Kestrel.Connections", StringComparison.Ordinal) == true);
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    /// <summary>The line comes between the bind and the listener's owner: a throw there kept the socket open, and its file and lock.</summary>
    [Fact]
    public async Task Logger_ThatThrows_ServesAllTheSame()
    {
        await using WebApplication app = await StartAsync(
            SocketPath, static services => services.AddSingleton<ILoggerProvider, ThrowingProvider>(), ("Path", SocketPath), ("DirectoryMode", "0700"));
        Assert.Equal("served", await AskAsync());
        await app.StopAsync().WaitAsync(TestTimeout);
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task ConnectionLimit_FurtherClientsWait()
    {
        await using WebApplication app = await StartAsync(("Path", SocketPath), ("DirectoryMode", "0700"), ("ConnectionLimit", "1"));
        RawClient first = await RawClient.ConnectAsync(SocketPath);
        await first.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await first.ReceiveUntilAsync("served");
        using RawClient second = await RawClient.ConnectAsync(SocketPath);
        await second.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.False(second.Socket.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead));
        first.Dispose();
        await second.ReceiveUntilAsync("served");
        second.Dispose();
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task SecondInstance_IsRefusedByName_WhileTheFirstGoesOn()
    {
        await using WebApplication first = await StartAsync(("Path", SocketPath), ("DirectoryMode", "0700"));
        IOException refused = await Assert.ThrowsAsync<IOException>(() => StartAsync(("Path", SocketPath)));
        Assert.IsType<AddressInUseException>(refused.InnerException);
        Assert.Contains(SocketPath, refused.InnerException.Message, StringComparison.Ordinal);
        Assert.Equal("served", await AskAsync());
        await first.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task StaleFile_OfAKilledServer_IsTakenOver()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        using (Socket killed = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            killed.Bind(new UnixDomainSocketEndPoint(SocketPath));
            killed.Listen();
            // .NET unlinks what it has bound: a copy of the name outlives that.
            File.Move(SocketPath, SocketPath + ".kept");
        }
        File.Move(SocketPath + ".kept", SocketPath);
        await using WebApplication app = await StartAsync(("Path", SocketPath));
        Assert.Equal("served", await AskAsync());
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Unused_IsAWarning()
    {
        await using WebApplication app = await StartAsync(listenAt: Path.Combine(_folder, "other.sock"), ("Path", SocketPath));
        FakeLogRecord warning = Assert.Single(app.Services.GetFakeLogCollector().GetSnapshot(), record => record.Id.Name == "KestrelListenerUnused");
        Assert.Contains(SocketPath, warning.Message, StringComparison.Ordinal);
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Mistakes_AreAllListedAtStart()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(
            listenAt: SocketPath,
            services => services.Configure<KestrelTransportOptions>(options =>
            {
                options.LoopCount = 0;
                options.Listeners["a"] = new UnixListenerOptions { Path = "/one", Abstract = "two" };
                options.Listeners["b"] = new UnixListenerOptions { Path = "relative" };
                options.Listeners["c"] = new UnixListenerOptions { Path = "/c", Mode = "rw-rw----", Backlog = 0, ConnectionLimit = 0, FdName = "a:b" };
                options.Listeners["d"] = new UnixListenerOptions { Abstract = "d", Mode = "0600", AllowAnyUser = true, AllowedUsers = { "root" } };
                options.Listeners["e"] = new UnixListenerOptions { Path = "/c" };
            })));
        string[] expected =
        [
            "LoopCount: is 0", "The listener 'a' has both Path '/one' and Abstract 'two'", "The listener 'b' has the Path 'relative'", "The listener 'c' has the Mode 'rw-rw----'",
            "The listener 'c' has a Backlog of 0", "The listener 'c' has a ConnectionLimit of 0", "The listener 'c' has the FdName 'a:b'", "The listener 'd' has Mode '0600'; an abstract name has no file", "The listener 'd' has AllowAnyUser",
            "The listeners 'c' and 'e' have one address",
        ];
        Assert.All(expected, mistake => Assert.Contains(mistake, error.Message.Replace("Property ", "", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    /// <summary>docs/hosting.md: with those of all other options. To build the application makes its server, which must not read them by then: a Main catches what the start throws.</summary>
    [Fact]
    public async Task Mistakes_DoNotFailTheBuild_AndAreListedWithOthers()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders(); // the console's descriptor stays
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(SocketPath));
        builder.Services.AddUnixEventLoop(options => options.HealthDegradedLag = TimeSpan.FromMinutes(1)).UseKestrelTransport(options => options.LoopCount = 65);
        await using WebApplication app = builder.Build();
        // Of several kinds of options the host makes an aggregate.
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync().WaitAsync(TestTimeout));
        Assert.Contains("LoopCount: is 65", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("HealthDegradedLag: is 00:01:00", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The binder would pass them over, and the listener would be open to all.</summary>
    [Theory]
    [InlineData("AllowedUsers", "12345", "it must be a list")]
    [InlineData("AllowedUserz:0", "12345", "is no option of a listener")]
    public async Task Mistake_InTheAllowList_FailsTheStart(string key, string value, string says)
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(SocketPath, ("Path", SocketPath), (key, value)));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    /// <summary>docs/kestrel.md: headers of a proxy count only if the kernel says that it is the proxy.</summary>
    [Theory]
    [InlineData(true, "203.0.113.9")]
    [InlineData(false, "")]
    public async Task ForwardedHeaders_CountOnlyFromAPeerThatIsTrusted(bool isTrusted, string expected)
    {
        uint proxy = isTrusted ? OwnUser() : 64_999;
        await using WebApplication app = await StartAsync(SocketPath, static _ => { }, app =>
        {
            app.UseWhen(
                context => context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials.UserId == proxy,
                trusted => trusted.UseForwardedHeaders(Forwarded()));
            app.Run(static context => context.Response.WriteAsync($"from {context.Connection.RemoteIpAddress}"));
        }, ("Path", SocketPath), ("DirectoryMode", "0700"));
        using HttpClient client = UnixHttp.Client(SocketPath);
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");
        Assert.Equal($"from {expected}", await client.GetStringAsync(new Uri("/", UriKind.Relative)));
        await app.StopAsync().WaitAsync(TestTimeout);

        // A client on a Unix socket has no IP address that a list of known proxies could have.
        static ForwardedHeadersOptions Forwarded()
        {
            ForwardedHeadersOptions options = new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            return options;
        }
    }

    private Task<WebApplication> StartAsync(params (string Key, string Value)[] listener) => StartAsync(SocketPath, listener);

    private static Task<WebApplication> StartAsync(string listenAt, params (string Key, string Value)[] listener) => StartAsync(listenAt, static _ => { }, listener);

    private static Task<WebApplication> StartAsync(string listenAt, Action<IServiceCollection> services, params (string Key, string Value)[] listener) => StartAsync(
        listenAt, services, static app => app.Run(static context => context.Response.WriteAsync("served")), listener);

    private static async Task<WebApplication> StartAsync(
        string listenAt, Action<IServiceCollection> services, Action<WebApplication> map, params (string Key, string Value)[] listener)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(listener.Select(pair => KeyValuePair.Create($"UnixEventLoop:Listeners:web:{pair.Key}", (string?)pair.Value)));
        builder.Logging.SetMinimumLevel(LogLevel.Debug).Services.AddFakeLogging();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.ListenUnixSocket(listenAt));
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        services(builder.Services);
        WebApplication app = builder.Build();
        map(app);
        try
        {
            await app.StartAsync().WaitAsync(TestTimeout);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private async Task<string> AskAsync()
    {
        using HttpClient client = UnixHttp.Client(SocketPath);
        return await client.GetStringAsync(new Uri("/", UriKind.Relative));
    }

    /// <summary>proc_pid_status(5): real, effective, saved, file system.</summary>
    private static uint OwnUser() => uint.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2], System.Globalization.CultureInfo.InvariantCulture);

    private sealed class ThrowingProvider : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) =>
            categoryName == "UnixLoop.Kestrel" ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("a provider's");

        public void Dispose()
        {
        }
    }
}
