namespace UnixLoop.Hosting;

/// <summary>
/// How a loop, its children and the host around them behave. Read once, when the host starts; every mistake is listed then.
/// Of a named loop only <see cref="Debug"/>, <see cref="SlowCallbackThreshold"/> and <see cref="PollBeforeBlocking"/> mean something: the rest belongs to the default one.
/// </summary>
public sealed class UnixEventLoopOptions
{
    /// <summary>Times every callback and warns of those slower than <see cref="SlowCallbackThreshold"/> (asyncio: <c>set_debug</c>).</summary>
    /// <value>Default false.</value>
    public bool Debug { get; set; }

    /// <summary>How long a callback may hold the loop before debug mode names it (asyncio: <c>slow_callback_duration</c>).</summary>
    /// <value>Default 100 ms; 1 ms to 1 hour.</value>
    [TimeSpanRange("00:00:00.001", "01:00:00")]
    public TimeSpan SlowCallbackThreshold { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long the loop polls before it blocks, while events follow each other that fast: less latency for a single busy
    /// connection, at the price of a core (docs/loop.md).
    /// </summary>
    /// <value>Default 0: never; up to 1 ms. 50 µs is about what a wake-up costs.</value>
    [TimeSpanRange("00:00:00", "00:00:00.001")]
    public TimeSpan PollBeforeBlocking { get; set; }

    /// <summary>How the ends of children are noticed. <c>UseChildWatcher&lt;T&gt;()</c> overrides it.</summary>
    /// <value>Default <see cref="ChildWatcherKind.Auto"/>.</value>
    public ChildWatcherKind ChildWatcher { get; set; } = ChildWatcherKind.Auto;

    /// <summary>
    /// How long children may take between TERM and KILL when the host stops. With 1 s for the reaps it must fit into
    /// <c>HostOptions.ShutdownTimeout</c>.
    /// </summary>
    /// <value>Default 5 s; 0 (kill at once) to 1 hour.</value>
    [TimeSpanRange("00:00:00", "01:00:00")]
    public TimeSpan ChildStopGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the application goes on serving after the first TERM, INT or QUIT, while <see cref="IUnixHostDrain.Draining"/>
    /// is cancelled and readiness is false. A second signal cuts it short.
    /// </summary>
    /// <value>Default 0; up to 1 hour.</value>
    [TimeSpanRange("00:00:00", "01:00:00")]
    public TimeSpan ShutdownDelay { get; set; }

    /// <summary>
    /// While draining: when connections of HTTP/1.1 that have had no request since are closed (the answer to one says
    /// <c>Connection: close</c>), and those of HTTP/2 get GOAWAY. At most <see cref="ShutdownDelay"/>: then the web server closes them.
    /// </summary>
    /// <value>Default 5 s; 0 to 1 hour.</value>
    [TimeSpanRange("00:00:00", "01:00:00")]
    public TimeSpan DrainIdleLinger { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether a host that a signal stopped ends with exit code 128 plus the signal's number, as a shell reports a process that the signal
    /// killed. It is set as <c>Environment.ExitCode</c>, over which a <c>Main</c> that returns an int has the last word.
    /// </summary>
    /// <value>Default false: exit code 0, which service managers and orchestrators take as a clean stop.</value>
    public bool ExitCodeFromSignal { get; set; }

    /// <summary>
    /// Whether HUP reloads the configuration (<c>IConfigurationRoot.Reload</c>). Off, HUP keeps its default action, so that a
    /// lost terminal ends the application.
    /// </summary>
    /// <value>Default false.</value>
    public bool ReloadOnHangup { get; set; }

    /// <summary>Whether the spans of children carry their arguments (<c>process.command_args</c>), which may hold secrets.</summary>
    /// <value>Default false.</value>
    public bool RecordChildArguments { get; set; }

    /// <summary>The health check says degraded if a loop of the host takes longer to answer.</summary>
    /// <value>Default 500 ms; 1 ms to 1 hour, at most <see cref="HealthUnhealthyLag"/>.</value>
    [TimeSpanRange("00:00:00.001", "01:00:00")]
    public TimeSpan HealthDegradedLag { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The health check says unhealthy if a loop of the host takes longer to answer. A loop that does not answer within the check's timeout is unhealthy too.</summary>
    /// <value>Default 3 s; 1 ms to 1 hour.</value>
    [TimeSpanRange("00:00:00.001", "01:00:00")]
    public TimeSpan HealthUnhealthyLag { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Path of a Unix socket on which the application says whether it is live and ready, for probes of workers that have no web server
    /// (docs/containers.md). Made with the host's start, for our user alone; removed with its stop.
    /// </summary>
    /// <value>Default null: none.</value>
    public string? HealthSocket { get; set; }

    /// <summary>What the configuration has that can't be converted, or that nothing reads.</summary>
    internal List<string> Mistakes { get; } = [];
}
