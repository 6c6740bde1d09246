using System.Collections.Concurrent;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Spawns for callers on a loop's thread, which must not be held until the exec. One thread for the process, there from the
/// first such start on.
/// </summary>
/// <remarks>
/// A thread of the pool would do, but for its price: woken, it looks for further work for longer than a spawn takes, which
/// triples the CPU time of a start (docs/subprocesses.md). Where a spawn is slow (a program on a network file system, a file
/// that is being written), those that come meanwhile go to the pool.
/// </remarks>
internal sealed class LaunchThread
{
    /// <summary>Whoever comes when the present spawn has taken longer goes to the pool.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(10);

    /// <summary>The thread serves all loops of the process, whatever clocks they have.</summary>
    private static readonly TimeProvider Clock = TimeProvider.System;

    private static readonly Lazy<LaunchThread> Instance = new(() => new LaunchThread());

    [ThreadStatic]
    private static bool t_isCurrent;

    private readonly ConcurrentQueue<LaunchRequest> _requests = new();
    private readonly ThreadParker _parker = new();

    /// <summary>When the present spawn began; 0 between two.</summary>
    private long _busySince;

    private LaunchThread() => new Thread(Run) { IsBackground = true, Name = "unix-launch" }.UnsafeStart();

    internal static bool IsCurrent => t_isCurrent;

    /// <summary>Any thread.</summary>
    /// <param name="request">What to start.</param>
    /// <param name="mayMove">False for a child that dies with its starting thread: it waits, however slow the one before is.</param>
    internal static void Enqueue(LaunchRequest request, bool mayMove = true)
    {
        LaunchThread thread = Instance.Value;
        long busySince = Interlocked.Read(ref thread._busySince);
        if (mayMove && busySince != 0 && Clock.GetElapsedTime(busySince) > Slow)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static request => request.Run(), request, preferLocal: false);
            return;
        }
        thread._requests.Enqueue(request);
        thread._parker.Unpark();
    }

    private void Run()
    {
        t_isCurrent = true;
        while (true)
        {
            while (_requests.TryDequeue(out LaunchRequest? request))
            {
                Interlocked.Exchange(ref _busySince, Clock.GetTimestamp());
                request.Run();
                Interlocked.Exchange(ref _busySince, 0);
            }
            _parker.Park();
        }
    }
}
