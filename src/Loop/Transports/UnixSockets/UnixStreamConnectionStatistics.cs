namespace UnixLoop.Transports;

/// <summary>What a connection has carried, and when; exact figures, which are not read in one instant.</summary>
public readonly record struct UnixStreamConnectionStatistics
{
    /// <summary>Bytes read from the socket, those included that the reader has not consumed.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes that the socket has taken.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Calls of recv(2) that gave bytes.</summary>
    public long Reads { get; init; }

    /// <summary>Calls of send(2) and the like that took bytes.</summary>
    public long Writes { get; init; }

    /// <summary>When the connection was made, by the loop's clock.</summary>
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>When bytes last came, to the turn of the loop; null for never.</summary>
    public DateTimeOffset? LastReadAt { get; init; }

    /// <summary>When bytes last went, to the turn of the loop where its thread sent them; null for never.</summary>
    public DateTimeOffset? LastWriteAt { get; init; }
}
