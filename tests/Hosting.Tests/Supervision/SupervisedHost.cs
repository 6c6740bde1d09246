using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Testing;

namespace UnixLoop.Hosting.Tests.Supervision;

/// <summary>A running host with supervised processes, and what its tests ask of it.</summary>
internal sealed class SupervisedHost : IAsyncDisposable
{
    private readonly IHost _host;

    private SupervisedHost(IHost host)
    {
        _host = host;
        Supervisor = host.Services.GetRequiredService<ISupervisor>();
    }

    internal ISupervisor Supervisor { get; }

    internal IServiceProvider Services => _host.Services;

    /// <summary>With one process, which runs a shell script.</summary>
    internal static Task<SupervisedHost> StartAsync(string name, string script, Action<SupervisedProcessOptions>? configure = null) =>
        StartAsync(builder => builder.AddSupervisedProcess(name, options => Shell(options, script, configure)));

    internal static async Task<SupervisedHost> StartAsync(Action<IUnixEventLoopBuilder> configure, Dictionary<string, string?>? configuration = null)
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(configuration ?? []);
        configure(builder.Services.AddUnixEventLoop());
        builder.Services.AddHealthChecks().AddUnixEventLoop();
        IHost host = builder.Build();
        try
        {
            await host.StartAsync().WaitAsync(TestTimeout);
        }
        catch
        {
            host.Dispose();
            throw;
        }
        return new SupervisedHost(host);
    }

    internal static void Shell(SupervisedProcessOptions options, string script, Action<SupervisedProcessOptions>? configure = null)
    {
        options.FileName = "/bin/sh";
        options.Arguments.Add("-c");
        options.Arguments.Add(script);
        options.RestartDelay = TimeSpan.FromMilliseconds(1);
        options.MaxRestartDelay = TimeSpan.FromMilliseconds(5);
        options.MaxStarts = 0;
        configure?.Invoke(options);
    }

    /// <summary>Replaces the configuration and tells of it, as one reload.</summary>
    internal void Reload(Dictionary<string, string?> configuration)
    {
        var root = (IConfigurationRoot)_host.Services.GetRequiredService<IConfiguration>();
        MemoryConfigurationProvider memory = root.Providers.OfType<MemoryConfigurationProvider>().Last();
        foreach (string key in memory.Select(pair => pair.Key).ToArray())
            memory.Set(key, null);
        typeof(ConfigurationProvider).GetProperty("Data", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!
            .SetValue(memory, new Dictionary<string, string?>(configuration, StringComparer.OrdinalIgnoreCase));
        root.Reload();
    }

    internal SupervisedProcessStatus Expect(string name, SupervisedProcessState state) => Expect(name, status => status.State == state, state.ToString());

    internal SupervisedProcessStatus Expect(string name, Func<SupervisedProcessStatus, bool> condition, string expectation)
    {
        SupervisedProcessStatus? seen = null;
        if (!Eventually.TryWait(() => condition(seen = Supervisor.GetProcess(name)), TestTimeout))
            Assert.Fail($"{expectation}, but {seen}, starts {seen!.Starts}, {string.Join("; ", seen.LastExits)}{Environment.NewLine}{string.Join(Environment.NewLine, Messages)}");
        return seen!;
    }

    internal FakeLogRecord[] Records => [.. _host.Services.GetFakeLogCollector().GetSnapshot()];

    internal string[] Messages => [.. Records.Select(record => $"{record.Category}: {record.Message}")];

    /// <summary>What the process wrote, as it was logged.</summary>
    internal string[] Lines(string name) =>
        [.. Records.Where(record => record.Category == $"UnixLoop.Processes.{name}").Select(record => record.StructuredState!.Single(pair => pair.Key == "Line").Value!)];

    internal int Count(string eventName) => Records.Count(record => record.Id.Name == eventName);

    internal void ExpectEvent(string eventName) =>
        Assert.True(Eventually.TryWait(() => Count(eventName) > 0, TestTimeout), $"no {eventName} in{Environment.NewLine}{string.Join(Environment.NewLine, Messages)}");

    internal Task StopAsync() => _host.StopAsync().WaitAsync(TestTimeout);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}
