namespace UnixLoop;

/// <summary>A soft limit, which is in force, and the hard limit, up to which the child may raise it; raising the hard one takes CAP_SYS_RESOURCE (setrlimit(2)).</summary>
/// <param name="Soft">At most <paramref name="Hard"/>.</param>
/// <param name="Hard">In the resource's unit.</param>
public readonly record struct ResourceLimitValue(ulong Soft, ulong Hard)
{
    /// <summary>RLIM_INFINITY.</summary>
    public const ulong Unlimited = ulong.MaxValue;

    /// <summary>The same for both.</summary>
    /// <param name="both">In the resource's unit.</param>
    public ResourceLimitValue(ulong both)
        : this(both, both)
    {
    }

    /// <summary>"1024", "1024:4096", "unlimited".</summary>
    public override string ToString() => Soft == Hard ? Text(Soft) : $"{Text(Soft)}:{Text(Hard)}";

    private static string Text(ulong limit) => limit == Unlimited ? "unlimited" : limit.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
