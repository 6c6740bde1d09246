namespace UnixLoop.Hosting;

/// <summary>When a supervised process that has ended by itself is started again.</summary>
public enum RestartPolicy
{
    /// <summary>However it ended.</summary>
    Always,

    /// <summary>Unless it exited with code 0.</summary>
    OnFailure,

    /// <summary>Not at all.</summary>
    Never,
}
