using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Connections;
using UnixLoop.Hosting.Supervision;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting;

/// <summary>What the overloads of <c>AddUnixEventLoop</c> put into the services. Everything may be added twice.</summary>
internal static class Registration
{
    internal static IUnixEventLoopBuilder AddDefault(IServiceCollection services, Action<IServiceCollection> configure)
    {
        AddShared(services, Options.DefaultName);
        configure(services);
        services.TryAddSingleton(static provider => LoopFactory.Create(provider, Options.DefaultName));
        services.TryAddSingleton<IUnixEventLoop>(static provider => provider.GetRequiredService<UnixEventLoop>());
        services.TryAddSingleton<ChildWatcherChoice>();
        services.TryAddSingleton(static provider => provider.GetRequiredService<ChildWatcherChoice>().Create());
        services.TryAddSingleton(static provider => new SubprocessFactory(
            provider.GetRequiredService<UnixEventLoop>(), provider.GetRequiredService<IChildWatcher>())
        {
            RecordArguments = provider.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value.RecordChildArguments,
        });
        services.TryAddSingleton<ISubprocessFactory>(static provider => provider.GetRequiredService<SubprocessFactory>());
        services.TryAddSingleton<HostedChildren>();
        services.TryAddSingleton<ShutdownLog.Disposal>();
        services.TryAddSingleton<SignalHold>();
        services.TryAddSingleton<SignalDispatcher>();
        services.TryAddSingleton<UnixHostDrain>();
        services.TryAddSingleton<IUnixHostDrain>(static provider => provider.GetRequiredService<UnixHostDrain>());
        services.TryAddSingleton<ForcedExit>();
        services.TryAddSingleton<ConnectionDrain>();
        services.TryAddSingleton<ShutdownTimeline>();
        DrainingListenerFactory.Append(services);
        services.TryAddSingleton(ServiceNotifier.Create);
        services.TryAddSingleton<ApplicationHealth>();
        services.TryAddSingleton<HealthResponder>();
        AddSupervision(services);
        LifetimeRegistration.Replace(services);
        return new Builder(Options.DefaultName, services);
    }

    internal static IUnixEventLoopBuilder AddNamed(IServiceCollection services, string name, Action<UnixEventLoopOptions>? configure)
    {
        AddShared(services, name);
        if (configure is not null)
            services.Configure(name, configure);
        services.TryAddKeyedSingleton(name, static (provider, key) => LoopFactory.Create(provider, (string)key!));
        services.TryAddKeyedSingleton<IUnixEventLoop>(name, static (provider, key) => provider.GetRequiredKeyedService<UnixEventLoop>(key));
        var loop = new NamedLoop(name);
        if (!services.Any(d => !d.IsKeyedService && loop.Equals(d.ImplementationInstance)))
            services.AddSingleton(loop);
        return new Builder(name, services);
    }

    /// <summary>Binds the section once, however often this is called: binding a list twice would double it.</summary>
    internal static void BindDefaultSection(IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<UnixEventLoopOptions>, DefaultSection>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IProcessSection, DefaultProcessSection>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoopSection, DefaultLoopSection>());
    }

    internal static void BindSection(IServiceCollection services, IConfigurationSection section)
    {
        services.Configure<UnixEventLoopOptions>(options => DefaultSection.Bind(section, options));
        services.AddSingleton<IProcessSection>(new HandedProcessSection(section));
        services.AddSingleton<ILoopSection>(new HandedLoopSection(section));
    }

    internal static void AddProcess(IServiceCollection services, string name)
    {
        foreach (ServiceDescriptor service in services)
        {
            if (service.IsKeyedService || service.ImplementationInstance is not NamedProcess process || !process.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                continue;
            if (process.Name != name)
                throw new ArgumentException($"The supervised processes '{process.Name}' and '{name}' differ by case alone.", nameof(name));
            return;
        }

        services.AddSingleton(new NamedProcess(name));
    }

    private static void AddSupervision(IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<SupervisedProcessOptions>, ProcessSections>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SupervisedProcessOptions>, SupervisedProcessOptionsRules>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UnixEventLoopOptions>, SupervisedProcessesRules>());
        services.TryAddSingleton<ProcessCatalog>();
        services.TryAddSingleton<Supervisor>();
        services.TryAddSingleton<ISupervisor>(static provider => provider.GetRequiredService<Supervisor>());
    }

    private static void AddShared(IServiceCollection services, string optionsName)
    {
        services.AddLogging();
        services.AddMetrics();
        services.AddOptions<UnixEventLoopOptions>(optionsName).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UnixEventLoopOptions>, UnixEventLoopOptionsRanges>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<UnixEventLoopOptions>, UnixEventLoopOptionsRules>());
        services.TryAddSingleton(new HostPlatform(OperatingSystem.IsLinux()));
        services.TryAddSingleton<ShutdownLog>();
        services.TryAddSingleton<HostedLoops>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, UnixEventLoopHostedService>());
    }

    private sealed record Builder(string Name, IServiceCollection Services) : IUnixEventLoopBuilder;
}

/// <summary>A loop that was added by name; one instance for each in the services.</summary>
internal sealed record NamedLoop(string Name);
