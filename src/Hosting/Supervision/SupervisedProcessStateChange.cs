namespace UnixLoop.Hosting;

/// <summary>A supervised process has gone from one state to another.</summary>
/// <param name="Name">The process's name.</param>
/// <param name="Previous">The state before.</param>
/// <param name="Current">The state now.</param>
public readonly record struct SupervisedProcessStateChange(string Name, SupervisedProcessState Previous, SupervisedProcessState Current);
