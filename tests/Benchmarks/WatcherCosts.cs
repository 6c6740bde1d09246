using System.Diagnostics;
using System.Globalization;
using UnixLoop.Subprocesses;

namespace UnixLoop.Benchmarks;

/// <summary>
/// CPU time of this process for each exit, by watcher and by the number of children that live meanwhile, as CSV on standard
/// output. Each watcher has five minutes; one that is not done by then ends with the points that it has, and standard error says so.
/// </summary>
internal static class WatcherCosts
{
    private const int ExitsPerBatch = 100;
    private const int WarmUps = 3; // of each watcher, until its code is compiled
    private const int FurtherWarmUps = 1; // with more children
    private const int Batches = 5;
    private static readonly TimeSpan s_bound = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_boundOfABatch = TimeSpan.FromMinutes(2);
    private static readonly int[] s_living = [100, 300, 1_000, 3_000, 10_000];

    /// <summary>A thread each; those of removed children end with the children.</summary>
    private const int MostThreads = 1_000;

    /// <param name="most">Numbers of living children above this are left out.</param>
    /// <param name="names">Of the watchers to measure, "Safe" for one; all where there are none.</param>
    internal static async Task RunAsync(int most, string[] names)
    {
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        Console.WriteLine("watcher,living,microseconds");
        // Those on SIGCHLD last: once there was a handler for it, each exit reaches the runtime too.
        Func<IChildWatcher>[] watchers =
            [() => new PidfdChildWatcher(), () => new ThreadedChildWatcher(), () => new FastChildWatcher(), () => new SafeChildWatcher(), () => new MultiLoopChildWatcher()];
        using (PidfdChildWatcher first = new())
        {
            for (int i = 0; i < WarmUps; i++)
                await MeasureAsync(loop, first, [], WarmUps);
        }
        foreach (Func<IChildWatcher> create in watchers)
        {
            long begin = Stopwatch.GetTimestamp();
            List<SpawnedChild> living = [];
            try
            {
                foreach (int count in s_living.Where(count => count <= most))
                {
                    using IChildWatcher watcher = create();
                    string name = watcher.GetType().Name;
                    if ((names.Length > 0 && !names.Contains(name.Replace("ChildWatcher", ""))) || (watcher is ThreadedChildWatcher && count > MostThreads))
                        break;
                    if (Stopwatch.GetElapsedTime(begin) > s_bound)
                    {
                        Console.Error.WriteLine($"{name}: {s_bound.TotalMinutes:F0} minutes are over before {count} children.");
                        break;
                    }
                    while (living.Count < count)
                        living.Add(StartChild());
                    double cost = await MeasureAsync(loop, watcher, living, count == s_living[0] ? WarmUps : FurtherWarmUps);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name},{count},{cost:F2}"));
                }
            }
            finally
            {
                living.ForEach(KillAndReap);
            }
        }
    }

    private static async Task<double> MeasureAsync(UnixEventLoop loop, IChildWatcher watcher, List<SpawnedChild> living, int warmUps)
    {
        watcher.Attach(loop);
        foreach (SpawnedChild child in living)
            watcher.Add(child.Pid, child.Pidfd, Bystander.Instance);
        List<double> costs = [];
        for (int i = 0; i < warmUps + Batches; i++)
        {
            using Chain chain = new(loop, watcher);
            TimeSpan before = Environment.CpuUsage.TotalTime;
            await chain.RunAsync().WaitAsync(s_boundOfABatch);
            costs.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / ExitsPerBatch);
        }
        foreach (SpawnedChild child in living)
            watcher.Remove(child.Pid);
        watcher.Detach();
        costs.RemoveRange(0, warmUps);
        costs.Sort();
        return costs[costs.Count / 2];
    }

    private static SpawnedChild StartChild() =>
        Spawner.Start(new SubprocessStartInfo("/bin/sleep", "100000") { ProcessGroup = ProcessGroup.Inherit }, Stdio.Null, Stdio.Null, Stdio.Null);

    private static unsafe void KillAndReap(SpawnedChild child)
    {
        child.Pidfd?.Dispose();
        UnixLoop.Interop.Libc.Kill(child.Pid, UnixSignal.Kill.Number);
        UnixLoop.Interop.Libc.WaitId(UnixLoop.Interop.Libc.P_PID, child.Pid, info: null, UnixLoop.Interop.Libc.WEXITED, usage: null);
    }

    /// <summary>Children that die one after another: the notice of one kills the next, in a turn of its own.</summary>
    private sealed class Chain : IChildExitHandler, IDisposable
    {
        private readonly UnixEventLoop _loop;
        private readonly SpawnedChild[] _children = [.. Enumerable.Range(0, ExitsPerBatch).Select(static _ => StartChild())];
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Action _killNext;
        private int _killed;

        internal Chain(UnixEventLoop loop, IChildWatcher watcher)
        {
            _loop = loop;
            _killNext = () => Interop.Libc.Kill(_children[_killed].Pid, UnixSignal.Kill.Number);
            foreach (SpawnedChild child in _children)
                watcher.Add(child.Pid, child.Pidfd, this);
        }

        internal Task RunAsync()
        {
            _loop.Post(_killNext);
            return _done.Task;
        }

        public void OnExiting(int pid)
        {
        }

        public void OnExited(int pid, in ChildExitStatus status)
        {
            if (++_killed == _children.Length)
                _done.SetResult();
            else
                _loop.Post(_killNext);
        }

        public void Dispose()
        {
            foreach (SpawnedChild child in _children)
                child.Pidfd?.Dispose();
        }
    }

    private sealed class Bystander : IChildExitHandler
    {
        internal static readonly Bystander Instance = new();

        public void OnExiting(int pid)
        {
        }

        public void OnExited(int pid, in ChildExitStatus status)
        {
        }
    }
}
