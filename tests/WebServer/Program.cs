using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using UnixLoop.Hosting;

// What the drain tests stop: a web server on free ports of the loopback (h1, h2c and TLS) and, with --socket PATH, on a Unix socket.
// GET or POST / answers at once; GET /slow after the milliseconds of ?ms=; GET /answered says how often these two were asked.
// With --activation=both Kestrel's own UseSystemd and ours take the same descriptors. With --throws a callback of each h1 connection throws when it is to close. Lines "port NAME NUMBER" tell the ports.
// Not the working directory, where a sample's appsettings.json may lie.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.WebHost.UseKestrelHttpsConfiguration();
IUnixEventLoopBuilder loop = builder.Services.AddUnixEventLoop();
bool isActivatedTwice = builder.Configuration["activation"] == "both";
if (isActivatedTwice)
    loop.UseKestrelTransport().UseSystemdSocketActivation();
builder.Services.AddHealthChecks().AddUnixEventLoop();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
    {
        endpoint.Protocols = HttpProtocols.Http1;
        if (builder.Configuration["throws"] is not null)
            ((IConnectionBuilder)endpoint).Use(next => connection => ThrowAtClose(next, connection));
    });
    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.UseHttps(OwnCertificate()).UseUnixHostDrain());
    if (isActivatedTwice)
        kestrel.UseSystemd();
    if (builder.Configuration["socket"] is { } path)
        kestrel.ListenUnixSocket(path);
});

WebApplication app = builder.Build();
int answered = 0;
app.MapMethods("/", ["GET", "POST"], () =>
{
    Interlocked.Increment(ref answered);
    return "well";
});
app.MapGet("/answered", () => $"{Volatile.Read(ref answered)}");
app.MapGet("/slow", async (int ms, CancellationToken aborted) =>
{
    Interlocked.Increment(ref answered);
    await Task.Delay(ms, aborted);
    return "well";
});
app.MapHealthChecks("/ready");
app.Lifetime.ApplicationStarted.Register(() =>
{
    foreach ((string name, string url) in new[] { "h1", "h2c", "tls" }.Zip(app.Urls))
        Console.WriteLine($"port {name} {new Uri(url).Port}");
    Console.WriteLine("serving");
});
await app.RunAsync();

static Task ThrowAtClose(ConnectionDelegate next, ConnectionContext connection)
{
    connection.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested.Register(() => throw new InvalidOperationException("thrown at close"));
    return next(connection);
}

static X509Certificate2 OwnCertificate()
{
    using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    DateTimeOffset now = TimeProvider.System.GetUtcNow();
    return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
}
