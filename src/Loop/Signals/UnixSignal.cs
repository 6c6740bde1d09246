namespace UnixLoop;

/// <summary>A Linux signal by its number (signal(7)).</summary>
/// <param name="Number">1 to 64.</param>
public readonly partial record struct UnixSignal(int Number)
{
    /// <summary>Terminate (15).</summary>
    public static UnixSignal Term => new(15);

    /// <summary>Kill (9); can't be handled.</summary>
    public static UnixSignal Kill => new(9);
}
