namespace UnixLoop.Pages;

internal static class ChildrenPage
{
    internal static async Task WatchAsync(int pid)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();

        using IChildWatcher watcher = PidfdChildWatcher.IsSupported(out string? reason) ? new PidfdChildWatcher() : new ThreadedChildWatcher();
        watcher.Attach(loop);

        watcher.Add(pid, pidfd: null, new Farewell());   // a child of this process that nobody has reaped
    }
}

internal sealed class Farewell : IChildExitHandler
{
    public void OnExiting(int pid) { }           // dead, not reaped: its number is still its own

    public void OnExited(int pid, in ChildExitStatus status) => Console.WriteLine($"{pid}: {status}");
}
