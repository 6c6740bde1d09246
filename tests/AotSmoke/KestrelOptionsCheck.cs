using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting;

namespace UnixLoop.AotSmoke;

/// <summary>As <see cref="OptionsCheck"/>, for Kestrel's transport; and what the binder passes over is found as it is with the JIT.</summary>
internal static class KestrelOptionsCheck
{
    private const string Json =
        """
        {
          "UnixEventLoop": {
            "ApplicationScheduling": "Inline",
            "LoopCount": 3,
            "MaxReadBufferSize": 4096,
            "MaxWriteBufferSize": 8192,
            "Listeners": {
              "web": {
                "Path": "/run/web.sock",
                "Mode": "0660",
                "Owner": "nobody",
                "Group": "nogroup",
                "DirectoryMode": "0750",
                "ReplaceStaleSocket": false,
                "LockDirectory": "/run/lock",
                "Backlog": 17,
                "ConnectionLimit": 18,
                "AllowedUsers": [ "root", "1000" ],
                "AllowedGroups": [ "adm" ],
                "FdName": "http"
              },
              "open": { "Abstract": "web", "AllowAnyUser": true }
            }
          }
        }
        """;

    private const string TwoMistakes = """{ "UnixEventLoop": { "Listeners": { "web": { "Path": "/run/web.sock", "AllowedUserz": [ "root" ], "AllowedGroups": "adm" } } } }""";

    internal static void Run()
    {
        KestrelTransportOptions options = Bind(Json);
        Check.That(options.ApplicationScheduling == ApplicationScheduling.Inline, "ApplicationScheduling is bound");
        Check.That(options.LoopCount == 3, "LoopCount is bound");
        Check.That(options.MaxReadBufferSize == 4096, "MaxReadBufferSize is bound");
        Check.That(options.MaxWriteBufferSize == 8192, "MaxWriteBufferSize is bound");
        Check.That(options.Listeners.Count == 2, "Listeners is bound");
        UnixListenerOptions web = options.Listeners["web"];
        Check.That(web.Path == "/run/web.sock", "Path is bound");
        Check.That(web.Mode == "0660", "Mode is bound");
        Check.That(web.Owner == "nobody", "Owner is bound");
        Check.That(web.Group == "nogroup", "Group is bound");
        Check.That(web.DirectoryMode == "0750", "DirectoryMode is bound");
        Check.That(!web.ReplaceStaleSocket, "ReplaceStaleSocket is bound");
        Check.That(web.LockDirectory == "/run/lock", "LockDirectory is bound");
        Check.That(web.Backlog == 17, "Backlog is bound");
        Check.That(web.ConnectionLimit == 18, "ConnectionLimit is bound");
        Check.That(web.AllowedUsers is ["root", "1000"], "AllowedUsers is bound");
        Check.That(web.AllowedGroups is ["adm"], "AllowedGroups is bound");
        Check.That(web.FdName == "http", "FdName is bound");
        Check.That(options.Listeners["open"] is { Abstract: "web", AllowAnyUser: true }, "Abstract and AllowAnyUser are bound");

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

    private static KestrelTransportOptions Bind(string json)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        builder.Configuration.AddJsonStream(stream);
        builder.Services.AddUnixEventLoop().UseKestrelTransport();
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<KestrelTransportOptions>>().Value;
    }
}
