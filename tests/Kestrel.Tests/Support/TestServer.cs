using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>An application on a Unix socket in a folder of its own, by the transport under test.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly string _folder;
    private bool _stopped;

    private TestServer(string folder, WebApplication app)
    {
        _folder = folder;
        App = app;
    }

    internal string Path => PathIn(_folder);

    internal WebApplication App { get; }

    internal IServiceProvider Services => App.Services;

    internal FakeLogCollector Log => App.Services.GetFakeLogCollector();

    /// <summary>HTTP, with the endpoints that <paramref name="map"/> adds.</summary>
    internal static Task<TestServer> StartAsync(
        Transport transport, Action<WebApplication> map, Action<ListenOptions>? listen = null, Action<KestrelServerOptions>? kestrel = null, Action<IServiceCollection>? services = null) =>
        StartAsync(transport, listen ?? (static _ => { }), kestrel, map, services);

    /// <summary>No HTTP: the connections themselves.</summary>
    internal static Task<TestServer> StartConnectionsAsync(Transport transport, ConnectionDelegate connection, Action<KestrelServerOptions>? kestrel = null) =>
        StartAsync(transport, listen => listen.Run(context => connection(context)), kestrel, static _ => { }, null);

    private static async Task<TestServer> StartAsync(
        Transport transport, Action<ListenOptions> listen, Action<KestrelServerOptions>? kestrel, Action<WebApplication> map, Action<IServiceCollection>? services)
    {
        string folder = Directory.CreateTempSubdirectory("unixloop-kestrel-").FullName;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Debug).Services.AddFakeLogging();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TestTimeout);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        transport.Register(builder.Services);
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.ListenUnixSocket(PathIn(folder), listen);
            kestrel?.Invoke(options);
        });
        WebApplication app = builder.Build();
        map(app);
        TestServer server = new(folder, app);
        try
        {
            await app.StartAsync().WaitAsync(TestTimeout);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <param name="patience">How long clients may finish; null for as long as a test may last.</param>
    internal async Task StopAsync(TimeSpan? patience = null)
    {
        _stopped = true;
        using CancellationTokenSource end = new(patience ?? TestTimeout);
        await App.StopAsync(end.Token).WaitAsync(2 * TestTimeout);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
            await StopAsync();
        string[] errors = [.. Log.GetSnapshot().Where(record => record.Level >= LogLevel.Error && record.Exception is not Microsoft.AspNetCore.Http.BadHttpRequestException).Select(record => record.ToString())];
        await App.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        Assert.Empty(errors);
    }

    private static string PathIn(string folder) => System.IO.Path.Combine(folder, "web.sock");
}
