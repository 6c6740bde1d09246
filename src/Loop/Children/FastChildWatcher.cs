using System.Runtime.InteropServices;
using UnixLoop.Children;

namespace UnixLoop;

/// <summary>
/// At each SIGCHLD asks the kernel who is dead (waitid(2) with P_ALL and WNOWAIT) and reaps, by its pid, who was added: an exit
/// costs the same however many children live, but for the kernel's own walk over them. While a zombie that is not its own stands
/// first it does as <see cref="SafeChildWatcher"/> does. Not as PID 1.
/// </summary>
/// <remarks>Unlike asyncio's it never reaps "any" child: taking one of <c>System.Diagnostics.Process</c> would end the process.</remarks>
public sealed class FastChildWatcher : IChildWatcher
{
    private readonly ChildRegistry _registry;
    private readonly Action _endSpawn;
    private int _spawns;

    /// <summary>Makes a watcher that is not attached.</summary>
    public FastChildWatcher()
    {
        _registry = new ChildRegistry(nameof(FastChildWatcher), SignalWatch.Start, (loop, logger) => new FastChildSweep(loop, logger, this));
        _endSpawn = () => Interlocked.Decrement(ref _spawns);
    }

    /// <summary>
    /// Whether zombies that nobody has added are reaped too, with a warning each, as asyncio's watcher does. By default they are
    /// left to whoever started them.
    /// </summary>
    /// <value>
    /// Default false. If true, a zombie is taken once it has been there for 50 ms, outside of <see cref="BeginSpawn"/>, and only as
    /// long as the assembly of <c>System.Diagnostics.Process</c> is not loaded. Where that can't be known, in a program
    /// compiled ahead of time, true says that the program does not use it.
    /// </value>
    public bool ReapsUnknownChildren { get; init; }

    /// <inheritdoc/>
    public bool IsActive => _registry.IsActive;

    internal bool IsSpawning => Volatile.Read(ref _spawns) != 0;

    /// <inheritdoc/>
    public void Attach(IUnixEventLoop loop) => _registry.Attach(loop);

    /// <inheritdoc/>
    public void Detach() => _registry.Detach();

    /// <inheritdoc/>
    public ChildSpawnScope BeginSpawn()
    {
        Interlocked.Increment(ref _spawns);
        return new ChildSpawnScope(_endSpawn);
    }

    /// <inheritdoc/>
    public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler) => _registry.Add(pid, pidfd, handler);

    /// <inheritdoc/>
    public bool Remove(int pid) => _registry.Remove(pid);

    /// <summary>Refuses further children. A warning says how many are unfinished; their handlers are still called.</summary>
    public void Dispose() => _registry.Dispose();
}
