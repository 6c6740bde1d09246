using UnixLoop;

namespace QuickStart;

/// <summary>The package UnixLoop alone, as its README shows it.</summary>
internal static class WithoutHost
{
    internal static async Task RunAsync()
    {
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        using PidfdChildWatcher watcher = new();
        watcher.Attach(loop);
        await using SubprocessFactory subprocesses = new(loop, watcher);

        loop.AddSignalHandler(UnixSignal.Usr1, () => Console.WriteLine(loop.GetStatistics()));
        SubprocessResult system = await subprocesses.RunAsync(new("uname", "-srm"));
        Console.Write(system.EnsureSuccess().Output);
    }
}
