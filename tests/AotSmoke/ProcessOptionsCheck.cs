using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting;

namespace UnixLoop.AotSmoke;

/// <summary>As <see cref="OptionsCheck"/>, for supervised processes.</summary>
internal static class ProcessOptionsCheck
{
    private const string Json =
        """
        {
          "UnixEventLoop": {
            "Processes": {
              "web": {
                "FileName": "/bin/cat",
                "Arguments": [ "-n", "-" ],
                "WorkingDirectory": "/tmp",
                "Environment": { "A": "1", "B": "2" },
                "ClearEnvironment": true,
                "AutoStart": false,
                "Restart": "OnFailure",
                "RestartDelay": "00:00:02",
                "MaxRestartDelay": "00:00:03",
                "StableAfter": "00:00:04",
                "MaxStarts": 5,
                "StartWindow": "00:00:06",
                "StopHostOnFailure": true,
                "ReadyPattern": "^ready$",
                "ReadySocket": "@ready",
                "ReadyTimeout": "00:00:07",
                "StopSignal": "INT",
                "StopGrace": "00:00:08",
                "StandardErrorAsWarning": true,
                "User": "nobody",
                "Group": "nogroup",
                "Groups": [ "4", "5" ],
                "Umask": "027",
                "Limits": { "NoFile": "1024:4096", "Core": "0" },
                "ParentDeathSignal": "KILL",
                "NoNewPrivileges": true,
                "Cgroup": "/sys/fs/cgroup/web"
              }
            }
          }
        }
        """;

    internal static void Run()
    {
        SupervisedProcessOptions options = Bind();
        Check.That(options.FileName == "/bin/cat", "FileName is bound");
        Check.That(options.Arguments is ["-n", "-"], "Arguments is bound");
        Check.That(options.WorkingDirectory == "/tmp", "WorkingDirectory is bound");
        Check.That(options.Environment is { Count: 2 } && options.Environment["B"] == "2", "Environment is bound");
        Check.That(options.ClearEnvironment, "ClearEnvironment is bound");
        Check.That(!options.AutoStart, "AutoStart is bound");
        Check.That(options.Restart == RestartPolicy.OnFailure, "Restart is bound");
        Check.That(options.RestartDelay == TimeSpan.FromSeconds(2), "RestartDelay is bound");
        Check.That(options.MaxRestartDelay == TimeSpan.FromSeconds(3), "MaxRestartDelay is bound");
        Check.That(options.StableAfter == TimeSpan.FromSeconds(4), "StableAfter is bound");
        Check.That(options.MaxStarts == 5, "MaxStarts is bound");
        Check.That(options.StartWindow == TimeSpan.FromSeconds(6), "StartWindow is bound");
        Check.That(options.StopHostOnFailure, "StopHostOnFailure is bound");
        Check.That(options.ReadyPattern == "^ready$", "ReadyPattern is bound");
        Check.That(options.ReadySocket == "@ready", "ReadySocket is bound");
        Check.That(options.ReadyTimeout == TimeSpan.FromSeconds(7), "ReadyTimeout is bound");
        Check.That(options.StopSignal == "INT", "StopSignal is bound");
        Check.That(options.StopGrace == TimeSpan.FromSeconds(8), "StopGrace is bound");
        Check.That(options.StandardErrorAsWarning, "StandardErrorAsWarning is bound");
        Check.That(options.User == "nobody", "User is bound");
        Check.That(options.Group == "nogroup", "Group is bound");
        Check.That(options.Groups is ["4", "5"], "Groups is bound");
        Check.That(options.Umask == "027", "Umask is bound");
        Check.That(options.Limits is { Count: 2 } && options.Limits["NoFile"] == "1024:4096", "Limits is bound");
        Check.That(options.ParentDeathSignal == "KILL", "ParentDeathSignal is bound");
        Check.That(options.NoNewPrivileges, "NoNewPrivileges is bound");
        Check.That(options.Cgroup == "/sys/fs/cgroup/web", "Cgroup is bound");
    }

    /// <summary>Without the validation, which would refuse some of them together, and attributes where they can't be had.</summary>
    private static SupervisedProcessOptions Bind()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(settings: null);
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(Json));
        builder.Configuration.AddJsonStream(stream);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        var options = new SupervisedProcessOptions();
        foreach (IConfigureNamedOptions<SupervisedProcessOptions> configure in
            host.Services.GetServices<IConfigureOptions<SupervisedProcessOptions>>().OfType<IConfigureNamedOptions<SupervisedProcessOptions>>())
            configure.Configure("web", options);
        return options;
    }
}
