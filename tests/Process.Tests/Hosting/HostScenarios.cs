using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using UnixLoop.Hosting;
using UnixLoop.Hosting.Kestrel;
using UnixLoop.Interop;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>Hosts that say what happens to them. Arguments are configuration: options of the section UnixEventLoop, and keys of their own.</summary>
internal static class HostScenarios
{
    /// <summary>
    /// Runs a host until it is stopped. Keys: hang = stop, stop-until-line, start, deaf-start or failing-start; lifetime = console, systemd-first or systemd-last;
    /// log = hangs; logblocks = an event's name; pool = exhausted; onterm = true; reload = well, fails or changes;
    /// waits = true, for a line before the start; stops = true, of itself once it has started.
    /// </summary>
    internal static async Task ServeAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args);
        IServiceCollection services = builder.Services;
        if (builder.Configuration["lifetime"]?.StartsWith("systemd", StringComparison.Ordinal) == true && !SystemdHelpers.IsSystemdService())
            throw new InvalidOperationException("UseSystemd would do nothing here.");
        if (builder.Configuration["lifetime"] == "systemd-first")
            services.AddSystemd();

        IUnixEventLoopBuilder loop = services.AddUnixEventLoop();

        if (builder.Configuration["lifetime"] == "systemd-last")
            services.AddSystemd();
        if (builder.Configuration["lifetime"] == "console")
            services.AddSingleton<IHostLifetime, Microsoft.Extensions.Hosting.Internal.ConsoleLifetime>();
        if (builder.Configuration["reload"] is not null)
            ((IConfigurationBuilder)builder.Configuration).Add(new ReloadSource(builder.Configuration["reload"]!));
        if (builder.Configuration["onterm"] is not null)
            loop.OnSignal(UnixSignal.Term, (_, _) => Said("handler of TERM"));
        services.AddHostedService(_ => new Hangs(builder.Configuration["hang"]));
        using IHost host = builder.Build();
        if (builder.Configuration["pool"] == "exhausted")
            host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(ExhaustThePool);
        SayWhatHappens(host);
        if (builder.Configuration["stops"] is not null)
            host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => ThreadPool.QueueUserWorkItem(_ => host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication()));
        if (builder.Configuration["waits"] is not null)
        {
            Scenario.Say("built");
            await Console.In.ReadLineAsync();
        }
        try
        {
            await host.RunAsync();
            Scenario.Say("stopped");
            Scenario.Say($"exit code {Environment.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            Scenario.Say("start cancelled");
            Scenario.Say($"exit code {Environment.ExitCode}");
        }
        catch (InvalidOperationException e)
        {
            Scenario.Say($"refused: {e.Message}");
        }
    }

    /// <summary>Reads the configuration file named by the first argument; answers a line on standard input with its value "word".</summary>
    internal static async Task ReloadAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args[1..]);
        builder.Configuration.AddJsonFile(args[0], optional: false, reloadOnChange: false);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        await host.StartAsync();
        Scenario.Say("started");
        while (await Console.In.ReadLineAsync() is not null)
            Scenario.Say($"word {builder.Configuration["word"]}");
        await host.StopAsync();
    }

    /// <summary>Starts two children, one of which ignores TERM, and stops when it is told to.</summary>
    internal static async Task ChildrenAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        await host.StartAsync();
        ISubprocessFactory subprocesses = host.Services.GetRequiredService<ISubprocessFactory>();
        foreach (string script in (string[])["echo ready; exec sleep 1000", "trap '' TERM; echo ready; while :; do sleep 1; done"])
        {
            ISubprocess child = await subprocesses.StartAsync(new SubprocessStartInfo("sh", "-c", script) { Output = Stdio.Pipe });
            await child.Output.ReadAsync();
            Scenario.Say($"{child.Id}");
        }

        await host.WaitForShutdownAsync();
    }

    /// <summary>Starts a child that answers TERM with a HUP for the host, and ends.</summary>
    internal static async Task ChildHangsUpAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        await host.StartAsync();
        ISubprocess child = await host.Services.GetRequiredService<ISubprocessFactory>().StartAsync(
            new SubprocessStartInfo("sh", "-c", "trap 'kill -HUP $PPID; exit 0' TERM; echo ready; while :; do sleep 0.1; done") { Output = Stdio.Pipe });
        await child.Output.ReadAsync();
        Scenario.Say("started");
        await host.WaitForShutdownAsync();
    }

    /// <summary>The epoll of a loop fails once the host serves: the default one, or that of the key "loop".</summary>
    internal static async Task LoopDiesAsync(string[] args)
    {
        AppContext.SetSwitch("UnixLoop.FaultInjection", true);
        HostApplicationBuilder builder = CreateBuilder(args);
        builder.Services.AddUnixEventLoop().UseKestrelTransport(options => options.LoopCount = 2);
        using IHost host = builder.Build();
        await host.StartAsync();
        IUnixEventLoop loop = await FindLoopAsync(host.Services, builder.Configuration["loop"] ?? "default");
        Faults.Plan = new EpollFails(loop.Name);
        loop.Post(() => { });
        await host.WaitForShutdownAsync();
        Scenario.Say($"exit code {Environment.ExitCode}");
    }

    /// <summary>Starts a host that believes not to be on Linux, and says how that ends and whether anything native was reached.</summary>
    internal static async Task OffLinuxAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args);
        builder.Services.AddSingleton(new HostPlatform(IsLinux: false));
        builder.Services.AddUnixEventLoop().OnSignal(UnixSignal.Usr1, (_, _) => Task.CompletedTask);
        builder.Services.AddHostedService(services => new NeedsChildren(services.GetRequiredService<ISubprocessFactory>()));
        using IHost host = builder.Build();
        Exception? failure = await Record.ExceptionAsync(() => host.StartAsync());
        Scenario.Say(failure?.GetType().Name ?? "started");
        Scenario.Say($"native {AppDomain.CurrentDomain.GetAssemblies().Any(a => a.GetName().Name == "Tmds.LibC")}");
    }

    /// <summary>At USR1 the loop that the key "block" names is held until a line comes: default, named, or a further one of Kestrel's.</summary>
    internal static async Task WatchedAsync(string[] args)
    {
        HostApplicationBuilder builder = CreateBuilder(args);
        builder.Services.AddUnixEventLoop().UseKestrelTransport(options => options.LoopCount = 2).OnSignal(UnixSignal.Usr1, async (services, _) =>
        {
            IUnixEventLoop loop = await FindLoopAsync(services, builder.Configuration["block"]!);
            loop.Post(() =>
            {
                Scenario.Say("blocked");
                Console.In.ReadLine();
                Scenario.Say("goes on");
            });
        });
        builder.Services.AddUnixEventLoop("named");
        using IHost host = builder.Build();
        SayWhatHappens(host);
        await host.RunAsync();
    }

    private static async ValueTask<IUnixEventLoop> FindLoopAsync(IServiceProvider services, string which) => which switch
    {
        "named" => services.GetRequiredKeyedService<IUnixEventLoop>("named"),
        // What Kestrel's first bind does.
        "further" => (await services.GetRequiredService<TransportLoops>().StartAsync(CancellationToken.None))[1],
        _ => services.GetRequiredService<IUnixEventLoop>(),
    };

    internal static HostApplicationBuilder CreateBuilder(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { Args = args, DisableDefaults = true });
        builder.Configuration.AddCommandLine(args);
        builder.Logging.SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddSingleton<ILoggerProvider>(_ => new SayingLoggerProvider(builder.Configuration["log"] == "hangs", builder.Configuration["logblocks"]));
        return builder;
    }

    private static void SayWhatHappens(IHost host)
    {
        var application = host.Services.GetRequiredService<IHostApplicationLifetime>();
        host.Services.GetRequiredService<IUnixHostDrain>().Draining.Register(() => Scenario.Say("draining"));
        application.ApplicationStarted.Register(() => Scenario.Say("started"));
        application.ApplicationStopping.Register(() => Scenario.Say("stopping"));
    }

    private static Task Said(string line)
    {
        Scenario.Say(line);
        return Task.CompletedTask;
    }

    private static void ExhaustThePool()
    {
        ThreadPool.GetMinThreads(out int workers, out int completions);
        ThreadPool.SetMaxThreads(workers, completions);
        for (int i = 0; i < workers; i++)
            ThreadPool.QueueUserWorkItem(_ => new ManualResetEventSlim().Wait());
    }

    private sealed class Hangs(string? when) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => when switch
        {
            "start" => Forever("starting").WaitAsync(cancellationToken),
            "deaf-start" => Forever("starting"),
            "failing-start" => FailAtLine("starting"),
            _ => Task.CompletedTask,
        };

        public Task StopAsync(CancellationToken cancellationToken) => when switch
        {
            "stop" => Forever("hanging"),
            "stop-until-line" => UntilLine("hanging"),
            _ => Task.CompletedTask,
        };

        private static async Task UntilLine(string line)
        {
            Scenario.Say(line);
            await Console.In.ReadLineAsync();
        }

        private static async Task FailAtLine(string line)
        {
            await UntilLine(line);
            throw new InvalidOperationException("the start fails");
        }

        private static Task Forever(string line)
        {
            Scenario.Say(line);
            return new TaskCompletionSource().Task;
        }
    }

    /// <summary>Loads; when it is loaded again it "fails", or "changes" the arguments of the supervised process "web".</summary>
    private sealed class ReloadSource(string again) : ConfigurationProvider, IConfigurationSource
    {
        private bool _loaded;

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override void Load()
        {
            if (_loaded && again == "fails")
                throw new InvalidDataException("not again");
            if (_loaded && again == "changes")
                Data["UnixEventLoop:Processes:web:Arguments:0"] = "2000";
            _loaded = true;
            OnReload();
        }
    }

    private sealed class NeedsChildren(ISubprocessFactory subprocesses) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
            subprocesses.RunAsync(new SubprocessStartInfo("true"), cancellationToken: stoppingToken);
    }

    private sealed class EpollFails(string loop) : IFaultPlan
    {
        private const int EBADF = 9;

        public int OnCall(string function, ref int byteCount) => function == "epoll_wait" && Thread.CurrentThread.Name == loop ? EBADF : 0;
    }
}
