namespace UnixLoop.Transports;

/// <summary>What <c>SendFileAsync</c> does where the kernel can't send the file by itself.</summary>
internal enum SendFileFallback
{
    /// <summary>Reads the file and writes what it has read.</summary>
    Allow,

    /// <summary>Throws <see cref="NotSupportedException"/> (asyncio: <c>fallback=False</c>).</summary>
    Forbid,
}
