namespace UnixLoop.Transports.Pipes;

/// <summary>Sizes of the pumps, in bytes.</summary>
internal static class PipeDefaults
{
    /// <summary>What one readiness may move, so that one busy descriptor does not starve the rest (asyncio: max_size).</summary>
    internal const int BytesPerTurn = 256 * 1024;

    /// <summary>Reads go into blocks of this size, rented and given back.</summary>
    internal const int ReadBlock = 64 * 1024;

    /// <summary>
    /// A pipe's writer may turn packet mode on (O_DIRECT, pipe(2)): a read(2) then gives one packet, of a page at most, and with less
    /// room than that loses its end.
    /// </summary>
    internal static int LargestPacket { get; } = Environment.SystemPageSize;

    /// <summary>Below this the rest of a block is not worth a read(2).</summary>
    internal static int SmallestRead { get; } = Math.Max(16 * 1024, LargestPacket);

    /// <summary>A reader that is this far behind holds the writer back: rare enough for a reader that keeps up.</summary>
    internal const int ReadHighWater = 1024 * 1024;

    internal const int ReadLowWater = ReadHighWater / 2;

    /// <summary>asyncio's marks: writers pause above the high one and go on at or below the low one.</summary>
    internal const int WriteHighWater = 64 * 1024;

    internal const int WriteLowWater = 16 * 1024;

    /// <summary>What a new pipe holds (pipe(7)).</summary>
    internal const int Capacity = 64 * 1024;

    /// <summary>What a busy pipe is grown to (linux.md, rule 13): 0.6 of the CPU time for each byte.</summary>
    internal const int GrownCapacity = 256 * 1024;

    /// <summary>A process without privileges can't have a larger pipe (/proc/sys/fs/pipe-max-size).</summary>
    internal const int LargestCapacity = 1024 * 1024;
}
