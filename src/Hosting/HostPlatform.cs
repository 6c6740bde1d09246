namespace UnixLoop.Hosting;

/// <summary>
/// Where the host runs. Asked before anything that reaches Tmds.LibC or a native function, so that off Linux the host's
/// start fails with a sentence and not with a missing library.
/// </summary>
internal sealed record HostPlatform(bool IsLinux)
{
    internal void ThrowIfUnsupported()
    {
        if (!IsLinux)
            throw new PlatformNotSupportedException("UnixLoop runs on Linux only: call AddUnixEventLoop() under OperatingSystem.IsLinux().");
    }
}
