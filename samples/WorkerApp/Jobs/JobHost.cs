using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using UnixLoop;
using UnixLoop.Hosting;
using WorkerApp.Run;

namespace WorkerApp.Jobs;

/// <summary>The worker: a generic host with an event loop, and the jobs of its configuration.</summary>
internal static class JobHost
{
    internal static async Task<int> RunAsync(bool withMetrics)
    {
        CancellationToken stopping = CancellationToken.None;
        try
        {
            IHost host = Build(withMetrics);
            stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            await host.RunAsync();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // A signal while it was starting: what had begun has been stopped again.
        }
        catch (Exception mistake) when (IsMistake(mistake))
        {
            Console.Error.WriteLine($"WorkerApp: {mistake.Message}");
            return ExitCodes.NotStarted;
        }
        // A loop that died sets it; a Main that returned 0 would hide that.
        return Environment.ExitCode;
    }

    /// <summary>In the configuration or the surroundings: an address in use, text that is no JSON, or of a value what the binder makes of it.</summary>
    private static bool IsMistake(Exception failure) => failure switch
    {
        AggregateException several => several.InnerExceptions.All(IsMistake),
        InvalidOperationException => failure.InnerException is FormatException or OverflowException or ArgumentException,
        _ => failure is OptionsValidationException or IOException or InvalidDataException,
    };

    private static IHost Build(bool withMetrics)
    {
        ConfigurationManager configuration = new();
        configuration.AddInMemoryCollection([
            // SIGHUP applies an edited file (UnixEventLoop:ReloadOnHangup); the host's own watching is off.
            new("hostBuilder:reloadConfigOnChange", "false"),
            // Jobs and their stop must not wait for whoever reads, or does not read, the log: a line beyond those that wait already is dropped.
            // Many may wait (the default is 2,500): a burst of a job that is faster than the console is no reason to lose any. Who has long lines
            // and little memory sets less.
            new("Logging:Console:QueueFullMode", nameof(ConsoleLoggerQueueFullMode.DropWrite)),
            new("Logging:Console:MaxQueueLength", "100000"),
        ]);
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            // The appsettings.json beside the binary counts, wherever we are started from.
            ContentRootPath = AppContext.BaseDirectory,
            Configuration = configuration,
        });

        ((IConfigurationBuilder)builder.Configuration).Add(new KeptJobs(builder.Configuration));
        IUnixEventLoopBuilder loop = builder.Services.AddUnixEventLoop()
            .OnSignal(UnixSignal.Usr1, static (services, _) => services.GetRequiredService<StatisticsReport>().WriteAsync());

        if (builder.Configuration.GetValue<bool>("UnixEventLoop:ReloadOnHangup"))
            loop.OnSignal(UnixSignal.Hup, static (services, _) => services.GetRequiredService<JobService>().ReloadAsync());

        builder.Services.AddOptions<WorkerOptions>()
            .Configure<IConfiguration>(static (worker, configuration) => configuration.Bind("Worker", worker))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>();
        builder.Services.AddSingleton<JobRunner>();
        builder.Services.AddSingleton<JobBoard>();
        builder.Services.AddSingleton<StatisticsReport>();
        builder.Services.AddSingleton<JobService>();
        builder.Services.AddHostedService(static services => services.GetRequiredService<JobService>());

        if (withMetrics)
        {
            builder.Services.AddOpenTelemetry()
                .WithMetrics(metrics => metrics.AddUnixLoopInstrumentation().AddConsoleExporter())
                .WithTracing(traces => traces.AddUnixLoopInstrumentation().AddConsoleExporter());
        }

        return builder.Build();
    }
}
