using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using UnixLoop;
using UnixLoop.Hosting;
using WebApp;
using WebApp.Authentication;
using WebApp.Endpoints;

// Before anything else: in a container without an init we run ourselves under one.
if (UnixInit.RunAsPid1(args) is int code)
    return code;

WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
WebAppOptions settings = builder.Configuration.GetSection("WebApp").Get<WebAppOptions>() ?? new();
if (settings.Mistake is { } wrong)
{
    Console.Error.WriteLine($"WebApp: {wrong}");
    return 1;
}
builder.Services.AddSingleton(settings);

// The endpoints are Kestrel's; that of the Unix socket is served by the loop, as "UnixEventLoop:Listeners:web" says.
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.ListenUnixSocket(settings.Socket);
    if (settings.TcpEndPoint is { } tcp)
        kestrel.Listen(tcp);
});
builder.Services.AddUnixEventLoop()
    .UseKestrelTransport(transport =>
    {
        if (transport.Listeners.TryGetValue("web", out UnixListenerOptions? web))
            web.Path ??= settings.Socket;
    })
    .UseSystemdSocketActivation();

// Who may run commands: by the kernel's word about the client. Everybody else gets 403.
// This is AddAuthentication without data protection, which would make keys in the home directory, for cookies that nobody gets.
builder.Services.AddAuthenticationCore(options => options.DefaultScheme = PeerAuthenticationHandler.Scheme).AddWebEncoders().TryAddSingleton(TimeProvider.System);
new AuthenticationBuilder(builder.Services).AddScheme<AuthenticationSchemeOptions, PeerAuthenticationHandler>(PeerAuthenticationHandler.Scheme, null);
builder.Services.AddAuthorizationBuilder().AddPolicy(AllowedPeers.Policy, policy => policy.RequireAuthenticatedUser().AddRequirements(new AllowedPeers()));
builder.Services.AddSingleton<IAuthorizationHandler, AllowedPeersHandler>();

builder.Services.AddHealthChecks().AddUnixEventLoop();
builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
    .AddUnixLoopInstrumentation()
    .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
    .AddPrometheusExporter());

WebApplication app = builder.Build();
app.UseWebSockets();
app.MapBasics();
app.MapTransfers();
app.MapCommands();
app.MapHealthChecks("/healthz");
app.MapHealthChecks("/livez", new HealthCheckOptions { Predicate = static _ => false });
app.MapPrometheusScrapingEndpoint("/metrics");
CancellationToken stopping = app.Lifetime.ApplicationStopping;
try
{
    app.Run();
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    // A signal while it was starting: what had begun has been stopped again.
}
catch (Exception mistake) when (mistake is OptionsValidationException or AggregateException or IOException)
{
    // An address in use, say, or a descriptor of the service manager's that is no socket. What else has started by then, supervised processes too, has been stopped again.
    Console.Error.WriteLine($"WebApp: {mistake.Message}");
    if (mistake is IOException && mistake.GetBaseException() is var cause && cause != mistake)
        Console.Error.WriteLine($"WebApp: {cause.Message}"); // who has the address: Kestrel tells the address alone
    return 1;
}
return Environment.ExitCode;
