using Microsoft.Extensions.Logging;

namespace UnixLoop.Subprocesses;

/// <summary>Starts a child by posix_spawn(3) on the caller's thread, which is held until the exec.</summary>
internal static class Spawner
{
    /// <summary>Starts a child. On failure nothing is left behind: no child, no descriptor.</summary>
    /// <param name="info">Program, arguments, surroundings; its three streams are not looked at.</param>
    /// <param name="input">The child's descriptor 0.</param>
    /// <param name="output">The child's descriptor 1.</param>
    /// <param name="error">The child's descriptor 2; alone may be <see cref="Stdio.AsOutput"/>.</param>
    /// <param name="logger">For fallbacks of old systems; null logs nothing.</param>
    /// <exception cref="SubprocessStartException">The child could not be started.</exception>
    /// <exception cref="ArgumentException"><paramref name="info"/> contradicts itself; the message names the property.</exception>
    internal static SpawnedChild Start(SubprocessStartInfo info, Stdio input, Stdio output, Stdio error, ILogger? logger = null) =>
        throw new NotImplementedException();
}
