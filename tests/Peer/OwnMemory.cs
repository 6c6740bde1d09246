namespace UnixLoop.Peer;

/// <summary>What this process has in memory.</summary>
/// <param name="Managed">Bytes alive on the managed heap, after a full collection.</param>
/// <param name="Resident">Bytes of the process in memory.</param>
internal readonly record struct OwnMemory(long Managed, long Resident)
{
    internal static OwnMemory Now()
    {
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        return new(managed, (long)(OwnStatus.Read().ResidentMiB * (1 << 20)));
    }

    public static OwnMemory operator -(OwnMemory after, OwnMemory before) => new(after.Managed - before.Managed, after.Resident - before.Resident);
}
