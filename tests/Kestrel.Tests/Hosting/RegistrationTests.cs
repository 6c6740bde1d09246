using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UnixLoop.Hosting;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>Which transport gets which endpoint, in every order of the calls.</summary>
public sealed class RegistrationTests : KestrelTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-kestrel-").FullName;

    /// <summary>Kept, since a socket's finalizer unlinks its path, though its handle is somebody else's.</summary>
    private readonly List<Socket> _givenAway = [];

    private string SocketPath => Path.Combine(_folder, "web.sock");

    public override void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WebApplicationBuilder_UnixIsOurs_AndTcpIsKestrels_InBothOrders(bool oursFirst)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (oursFirst)
            builder.Services.AddUnixEventLoop().UseKestrelTransport();
        builder.WebHost.ConfigureKestrel(Endpoints);
        if (!oursFirst)
            builder.Services.AddUnixEventLoop().UseKestrelTransport();
        await using WebApplication app = builder.Build();
        app.Run(WhoAsync);
        await app.StartAsync().WaitAsync(TestTimeout);
        await CheckBothAsync(app.Services);
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task HostBuilder_OursAfterTheWebHost_ServesBoth()
    {
        using IHost host = new HostBuilder()
            .ConfigureWebHost(web => web.UseKestrel(Endpoints).Configure(app => app.Run(WhoAsync)))
            .ConfigureServices(services => services.AddUnixEventLoop().UseKestrelTransport())
            .Build();
        await host.StartAsync().WaitAsync(TestTimeout);
        await CheckBothAsync(host.Services);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    /// <summary>Kestrel asks the transport that was registered last: one behind the drain's takes its connections past it.</summary>
    [Theory]
    [InlineData("first", 0, false)]
    [InlineData("first", 1, true)]
    [InlineData("last", 1, false)]
    [InlineData("sockets last", 1, false)] // UseSockets adds its transport only where there is none
    public async Task HostBuilder_DrainThatSeesNoConnections_IsAWarning(string order, int delay, bool isWarned)
    {
        HostBuilder builder = new();
        builder.ConfigureLogging(logging => logging.Services.AddFakeLogging());
        if (order == "first")
            AddLoop();
        builder.ConfigureWebHost(web => web.UseKestrel(options => options.Listen(IPAddress.Loopback, 0)).Configure(app => app.Run(WhoAsync)));
        if (order != "first")
            AddLoop();
        if (order == "sockets last")
            builder.ConfigureWebHost(web => web.UseSockets());
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.Equal(isWarned, host.Services.GetFakeLogCollector().GetSnapshot().Any(record => record.Id.Name == "DrainPassedBy"));
        await host.StopAsync().WaitAsync(TestTimeout);

        void AddLoop() => builder.ConfigureServices(services => services.AddUnixEventLoop(options => options.ShutdownDelay = TimeSpan.FromSeconds(delay)));
    }

    [Fact]
    public async Task HostBuilder_OursFirst_TcpFailsAtItsBind_AndSaysWhatToCall()
    {
        using IHost host = OursFirst(Endpoints);
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().WaitAsync(TestTimeout));
        Assert.Contains("127.0.0.1:0 is no Unix socket", error.Message, StringComparison.Ordinal);
        Assert.Contains("call UseKestrelTransport after ConfigureWebHostDefaults", error.Message, StringComparison.Ordinal);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task HostBuilder_OursFirst_UnixAloneIsServed()
    {
        using IHost host = OursFirst(options => options.ListenUnixSocket(SocketPath));
        await host.StartAsync().WaitAsync(TestTimeout);
        Assert.Equal("unix", await AskAsync(SocketPath));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Urls_UnixScheme_IsServed()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://unix:{SocketPath}");
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        await using WebApplication app = builder.Build();
        app.Run(WhoAsync);
        await app.StartAsync().WaitAsync(TestTimeout);
        Assert.Equal("unix", await AskAsync(SocketPath));
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Descriptor_HandedIn_IsServed_AndItsFileIsLeft()
    {
        await using WebApplication app = await StartOnDescriptorAsync(new UnixDomainSocketEndPoint(SocketPath));
        Assert.Equal("unix", await AskAsync(SocketPath));
        await app.StopAsync().WaitAsync(TestTimeout);
        Assert.True(File.Exists(SocketPath));
    }

    /// <summary>Kestrel's metrics ask a connection's end point for its address family: one that has none (FileHandleEndPoint) ended the connection before its first request, and left it open.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Descriptor_HandedIn_HasTheSocketsAddress_InKestrelsListAndMetrics(bool isAbstract)
    {
        string name = isAbstract ? $"\0unixloop-test-{Guid.NewGuid():N}" : SocketPath;
        string shown = name.Replace('\0', '@');
        ConcurrentQueue<string> tags = new();
        await using WebApplication app = await StartOnDescriptorAsync(new UnixDomainSocketEndPoint(name));
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "kestrel.active_connections" && instrument.Meter.Scope == app.Services.GetRequiredService<IMeterFactory>())
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, measured, _) => tags.Enqueue(string.Join(' ', measured.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
        listener.Start();
        Assert.Equal("unix", await AskAsync(name));
        Assert.Equal($"http://unix:{shown}", Assert.Single(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses));
        Assert.Contains($"server.address={shown} network.transport=unix", tags);
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task AbstractName_IsServed_ToOurOwnUser()
    {
        string name = $"unixloop-test-{Guid.NewGuid():N}";
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(new UnixDomainSocketEndPoint('\0' + name)));
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        await using WebApplication app = builder.Build();
        app.Run(WhoAsync);
        await app.StartAsync().WaitAsync(TestTimeout);
        Assert.Equal("unix", await AskAsync('\0' + name));
        await app.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public void UseKestrelTransport_Twice_IsOneFactory() =>
        Assert.Single(
            new ServiceCollection().AddUnixEventLoop(_ => { }).UseKestrelTransport().UseKestrelTransport().Services,
            service => service.ServiceType == typeof(IConnectionListenerFactory) && service.ImplementationType?.Name == "LoopTransportFactory");

    [Fact]
    public void UseKestrelTransport_OfANamedLoop_IsRefused() =>
        Assert.Contains("UseKestrelTransport", Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddUnixEventLoop("second").UseKestrelTransport()).Message, StringComparison.Ordinal);

    private async Task<WebApplication> StartOnDescriptorAsync(UnixDomainSocketEndPoint address)
    {
        Socket listening = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(address);
        listening.Listen(16);
        ulong descriptor = (ulong)listening.SafeHandle.DangerousGetHandle();
        // Given away; dispose must neither shut it down nor unlink its file.
        listening.SafeHandle.SetHandleAsInvalid();
        _givenAway.Add(listening);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.ListenHandle(descriptor));
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        WebApplication app = builder.Build();
        app.Run(WhoAsync);
        await app.StartAsync().WaitAsync(TestTimeout);
        return app;
    }

    private static IHost OursFirst(Action<KestrelServerOptions> endpoints) => new HostBuilder()
        .ConfigureServices(services => services.AddUnixEventLoop().UseKestrelTransport())
        .ConfigureWebHost(web => web.UseKestrel(endpoints).Configure(app => app.Run(WhoAsync)))
        .Build();

    private void Endpoints(KestrelServerOptions options)
    {
        options.ListenUnixSocket(SocketPath);
        options.Listen(IPAddress.Loopback, 0);
    }

    private async Task CheckBothAsync(IServiceProvider services)
    {
        Assert.Equal("unix", await AskAsync(SocketPath));
        string tcp = services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(address => address.StartsWith("http://127", StringComparison.Ordinal));
        using SocketsHttpHandler handler = new();
        using HttpClient client = new(handler) { Timeout = TestTimeout };
        Assert.Equal("tcp", await client.GetStringAsync(new Uri(tcp)));
    }

    private static async Task<string> AskAsync(string path)
    {
        using HttpClient client = UnixHttp.Client(path);
        return await client.GetStringAsync(new Uri("/", UriKind.Relative));
    }

    /// <summary>Only our transport knows the peer.</summary>
    private static Task WhoAsync(HttpContext context) =>
        context.Response.WriteAsync(context.Features.Get<IPeerCredentialsFeature>()?.PeerCredentials.ProcessId == Environment.ProcessId ? "unix" : "tcp");
}
