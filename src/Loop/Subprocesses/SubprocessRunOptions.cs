using System.Text;

namespace UnixLoop;

/// <summary>How a run is fed, limited and ended. A run keeps to what this says at the call; what is changed later is for later runs.</summary>
public sealed class SubprocessRunOptions
{
    /// <summary>What the child reads from its standard input.</summary>
    /// <value>Default null: nothing, from /dev/null.</value>
    public SubprocessInput? Input { get; set; }

    /// <summary>Where standard output goes instead of being captured; for <c>RunAsync</c> alone.</summary>
    /// <value>Default null: it is captured.</value>
    public SubprocessOutput? Output { get; set; }

    /// <summary>Where standard error goes instead of being captured; for <c>RunAsync</c> of a single program alone.</summary>
    /// <value>Default null: it is captured.</value>
    public SubprocessOutput? Error { get; set; }

    /// <summary>What turns the child's bytes into text. Invalid bytes never throw: they become U+FFFD, or the encoding's own replacement.</summary>
    /// <value>Default UTF-8. For lines it has to be one whose line feed is the byte 10: UTF-16 is refused.</value>
    public Encoding Encoding { get; set; } = Encoding.UTF8;

    /// <summary>Bytes kept of each captured stream; the rest is read and dropped, and <see cref="SubprocessResult.Truncated"/> says so.</summary>
    /// <value>Default 16 MiB; 0 or more.</value>
    public int MaxOutputBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Bytes of one line for <c>ReadLinesAsync</c>; the rest of a longer line is dropped.</summary>
    /// <value>Default 64 KiB; 1 or more.</value>
    public int MaxLineBytes { get; set; } = 64 * 1024;

    /// <summary>How long the child may run before it is stopped by the ladder. A stream or delegate of yours that the output goes to then has <see cref="DrainBound"/> to take what the child wrote. A child that ends in time is no matter of this: its output is waited for until it is taken; cancel the run to cut that short.</summary>
    /// <value>Default <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>; else above zero, and at most 49.7 days (2^32 - 2 ms).</value>
    public TimeSpan Timeout { get; set; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Time between TERM and KILL when the child is stopped by time-out, by cancellation or by leaving its lines early.</summary>
    /// <value>Default 5 s; zero kills at once, at most 49.7 days.</value>
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long output pipes may stay open after the exit (a grandchild may hold them), how long your targets may take what is left after a time-out, and how long a source that no token ends is waited for.</summary>
    /// <value>Default 1 s; zero to 49.7 days.</value>
    public TimeSpan DrainBound { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>As they are now: a run keeps to what was checked at its call.</summary>
    internal SubprocessRunOptions Snapshot() => (SubprocessRunOptions)MemberwiseClone();
}
