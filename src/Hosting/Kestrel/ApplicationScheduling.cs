namespace UnixLoop.Hosting;

/// <summary>Which threads run the application's code for connections of Kestrel's transport.</summary>
public enum ApplicationScheduling
{
    /// <summary>The thread pool: the loop reads and hands over. Code may block its thread.</summary>
    ThreadPool,

    /// <summary>
    /// The loop's thread itself: the fastest, for code that never blocks. Code that does holds every connection of its loop, and on the default
    /// loop also signals and the ends of children, until it returns; and what it has flushed itself, which goes out when it first waits or ends.
    /// </summary>
    Inline,
}
