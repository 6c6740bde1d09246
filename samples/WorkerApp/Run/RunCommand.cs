using UnixLoop;

namespace WorkerApp.Run;

/// <summary>
/// Runs one command in our place: our standard streams, our signals, our exit code. There is no host here, so nothing else
/// takes the signals: the child alone decides what they mean.
/// </summary>
internal static class RunCommand
{
    internal static async Task<int> ExecuteAsync(RunArguments arguments)
    {
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        // Before the child is there: a signal that comes meanwhile is kept for it.
        SignalRelay relay = new(loop);
        using IChildWatcher watcher = AttachWatcher(loop);
        await using SubprocessFactory subprocesses = new(loop, watcher);

        try
        {
            await using ISubprocess child = await subprocesses.StartAsync(new SubprocessStartInfo(arguments.Command, arguments.Arguments)
            {
                // Standard streams are inherited. On a terminal the child gets the foreground, so that Ctrl-C reaches it, and it alone.
                ProcessGroup = ProcessGroup.Foreground,
            });
            await relay.BeginAsync(child);
            return await WaitAsync(child, arguments);
        }
        catch (SubprocessStartException failure)
        {
            await Console.Error.WriteLineAsync($"WorkerApp run: {failure.Message}");
            return ExitCodes.For(failure.Reason);
        }
    }

    private static async Task<int> WaitAsync(ISubprocess child, RunArguments arguments)
    {
        Task<ChildExitStatus> exit = child.WaitForExitAsync();
        try
        {
            return (await exit.WaitAsync(arguments.Timeout ?? Timeout.InfiniteTimeSpan)).ShellExitCode;
        }
        catch (TimeoutException)
        {
            await child.StopAsync(arguments.Grace);
            return ExitCodes.TimedOut;
        }
    }

    private static IChildWatcher AttachWatcher(IUnixEventLoop loop)
    {
        PidfdChildWatcher watcher = new();
        try
        {
            watcher.Attach(loop);
            return watcher;
        }
        catch (PlatformNotSupportedException)
        {
            watcher.Dispose();
            ThreadedChildWatcher fallback = new();
            fallback.Attach(loop);
            return fallback;
        }
    }
}
