namespace UnixLoop.Hosting;

/// <summary>
/// How Kestrel's Unix sockets run on the loop. Bound to the section <c>UnixEventLoop</c>, of which <c>Listeners</c> is a part. Read once, when the
/// host starts; every mistake is listed then.
/// </summary>
public sealed class KestrelTransportOptions
{
    /// <summary>Which threads run the application's code.</summary>
    /// <value>Default <see cref="ApplicationScheduling.ThreadPool"/>.</value>
    public ApplicationScheduling ApplicationScheduling { get; set; }

    /// <summary>Over how many loops the connections are spread: the default loop and further ones, each with a thread.</summary>
    /// <value>Default 1, the default loop alone; 1 to 64.</value>
    public int LoopCount { get; set; } = 1;

    /// <summary>How many bytes of a client are read ahead of the application; beyond it the client's sends wait.</summary>
    /// <value>In bytes. Default 1 MiB; at least 1.</value>
    public int MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>How many bytes may wait for a client; beyond it the application's writes wait.</summary>
    /// <value>In bytes. Default 64 KiB; at least 1.</value>
    public int MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>How single endpoints are bound and whom they accept, by any name: each belongs to the Kestrel endpoint with its address.</summary>
    /// <value>Empty by default.</value>
    public IDictionary<string, UnixListenerOptions> Listeners { get; } = new Dictionary<string, UnixListenerOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the configuration has that the binder would pass over, or can't convert.</summary>
    internal List<string> Mistakes { get; } = [];
}
