using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting;

namespace UnixLoop.AotSmoke;

/// <summary>Binds every options class from JSON: the binding generator drops what it does not understand without a word.</summary>
internal static class OptionsCheck
{
    private const string Json =
        """
        {
          "UnixEventLoop": {
            "Debug": true,
            "SlowCallbackThreshold": "00:00:00.250",
            "PollBeforeBlocking": "00:00:00.00005",
            "ChildWatcher": "Threaded",
            "ChildStopGrace": "00:00:07",
            "ShutdownDelay": "00:00:11",
            "ReloadOnHangup": true,
            "RecordChildArguments": true
          }
        }
        """;

    private const string TwoMistakes = """{ "UnixEventLoop": { "ChildStopGrace": "-00:00:01", "ChildWatcher": "17" } }""";

    internal static void Run()
    {
        UnixEventLoopOptions options = Bind(Json);
        Check.That(options.Debug, "Debug is bound");
        Check.That(options.SlowCallbackThreshold == TimeSpan.FromMilliseconds(250), "SlowCallbackThreshold is bound");
        Check.That(options.PollBeforeBlocking == TimeSpan.FromMicroseconds(50), "PollBeforeBlocking is bound");
        Check.That(options.ChildWatcher == ChildWatcherKind.Threaded, "ChildWatcher is bound");
        Check.That(options.ChildStopGrace == TimeSpan.FromSeconds(7), "ChildStopGrace is bound");
        Check.That(options.ShutdownDelay == TimeSpan.FromSeconds(11), "ShutdownDelay is bound");
        Check.That(options.ReloadOnHangup, "ReloadOnHangup is bound");
        Check.That(options.RecordChildArguments, "RecordChildArguments is bound");

        try
        {
            Bind(TwoMistakes);
            Check.That(false, "mistakes are found");
        }
        catch (OptionsValidationException e)
        {
            Check.That(e.Failures.Count() == 2, $"both mistakes are listed: {e.Message}");
        }
    }

    private static UnixEventLoopOptions Bind(string json)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        builder.Configuration.AddJsonStream(stream);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value;
    }
}
