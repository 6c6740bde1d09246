namespace UnixLoop.Transports.Pipes;

/// <summary>Sizes of the pumps, in bytes.</summary>
internal static class PipeDefaults
{
    /// <summary>What one readiness may move, so that one busy descriptor does not starve the rest (asyncio: max_size).</summary>
    internal const int BytesPerTurn = 256 * 1024;

    /// <summary>Reads go into blocks of this size, rented and given back.</summary>
    internal const int ReadBlock = 64 * 1024;

    /// <summary>Below this the rest of a block is not worth a read(2).</summary>
    internal const int SmallestRead = 16 * 1024;

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
