using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace UnixLoop.Hosting.Tests;

/// <summary>A host with nothing in it but a log that is collected and what the test adds.</summary>
internal static class TestHost
{
    internal static HostApplicationBuilder CreateBuilder()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddFakeLogging();
        return builder;
    }

    internal static IHost Build(Action<IServiceCollection> configure)
    {
        HostApplicationBuilder builder = CreateBuilder();
        configure(builder.Services);
        return builder.Build();
    }

    internal static string[] LoggedEvents(this IHost host) =>
        [.. host.Services.GetFakeLogCollector().GetSnapshot().Select(record => record.Id.Name).OfType<string>()];

    internal static FakeLogRecord LoggedEvent(this IHost host, string name) =>
        Assert.Single(host.Services.GetFakeLogCollector().GetSnapshot(), record => record.Id.Name == name);
}
