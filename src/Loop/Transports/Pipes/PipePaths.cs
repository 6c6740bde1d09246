using UnixLoop.Interop;

namespace UnixLoop.Transports.Pipes;

/// <summary>What opening by path can meet.</summary>
internal static class PipePaths
{
    /// <exception cref="ArgumentException">It is null or empty, or what open(2) would see is another path.</exception>
    internal static void Check(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (PosixText.FaultOf(path) is { } fault)
            throw new ArgumentException($"The path {fault}.", nameof(path));
    }

    internal static IOException OpenFailed(PosixResult opened, string path, PipeUse use) =>
        PosixError.ToException(opened, $"open '{path}' for {(use == PipeUse.Read ? "reading" : "writing")}");

    /// <summary>The end that was opened; closed again if it is none.</summary>
    internal static PipeEnd Inspect(int descriptor, string path, PipeUse use)
    {
        var handle = new UnixHandle(descriptor);
        try
        {
            return PipeInspection.Inspect(handle, use, $"'{path}'", nameof(path));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }
}
