namespace UnixLoop.Transports;

/// <summary>What <see cref="SendFileExtensions.SendFileAsync(UnixStreamConnection, System.IO.FileStream, long, long?, SendFileFallback, System.Threading.CancellationToken)"/> does where the kernel can't send the file by itself.</summary>
public enum SendFileFallback
{
    /// <summary>Reads the file and writes what it has read.</summary>
    Allow,

    /// <summary>Throws <see cref="NotSupportedException"/> (asyncio: <c>fallback=False</c>).</summary>
    Forbid,
}
