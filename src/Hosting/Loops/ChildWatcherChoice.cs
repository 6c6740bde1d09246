using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting;

/// <summary>Which watcher <see cref="UnixEventLoopOptions.ChildWatcher"/> comes to on this system, and why.</summary>
internal sealed class ChildWatcherChoice
{
    public ChildWatcherChoice(IOptions<UnixEventLoopOptions> options, HostPlatform platform)
    {
        platform.ThrowIfUnsupported();
        (Kind, Reason) = options.Value.ChildWatcher switch
        {
            ChildWatcherKind.Auto => Probe(),
            var kind => (kind, $"UnixEventLoopOptions.ChildWatcher is {kind}"),
        };
    }

    /// <summary>Never Auto.</summary>
    internal ChildWatcherKind Kind { get; }

    internal string Reason { get; }

    /// <summary>The watcher that this choice led to; null where the application registered one of its own.</summary>
    internal IChildWatcher? Created { get; private set; }

    internal IChildWatcher Create() => Created = Kind switch
    {
        ChildWatcherKind.Pidfd => new PidfdChildWatcher(),
        ChildWatcherKind.Safe => new SafeChildWatcher(),
        ChildWatcherKind.Fast => new FastChildWatcher(),
        ChildWatcherKind.MultiLoop => new MultiLoopChildWatcher(),
        _ => new ThreadedChildWatcher(),
    };

    private static (ChildWatcherKind Kind, string Reason) Probe() => PidfdChildWatcher.IsSupported(out string? reason)
        ? (ChildWatcherKind.Pidfd, "the kernel has pidfds and they are allowed here")
        : (ChildWatcherKind.Threaded, $"pidfds can't be used here: {reason}");
}
