namespace UnixLoop.Peer;

/// <summary>many: what children cost that live all at once, and their exits in one burst. A lost exit ends it with an error.</summary>
internal static class ManyWorkload
{
    private const int WarmUp = 50;
    private static readonly TimeSpan UntilAllAreTold = TimeSpan.FromMinutes(5);

    internal static async Task RunAsync(ISubprocessFactory factory, int count)
    {
        await RoundAsync(factory, WarmUp);
        Console.WriteLine(await RoundAsync(factory, count));
    }

    private static async Task<string> RoundAsync(ISubprocessFactory factory, int count)
    {
        var children = new ISubprocess[count];
        var exits = new Task<ChildExitStatus>[count];
        OwnMemory before = OwnMemory.Now();
        Stopwatches starting = Stopwatches.Start();
        for (int i = 0; i < count; i++)
        {
            children[i] = await factory.StartAsync(new("/bin/sleep", "1000"));
            exits[i] = children[i].WaitForExitAsync();
        }
        string started = Each("start", starting, count);
        OwnMemory each = OwnMemory.Now() - before;
        int threads = OwnStatus.Read().Threads;

        Stopwatches ending = Stopwatches.Start();
        foreach (ISubprocess child in children)
            child.Signal(UnixSignal.Kill);
        ChildExitStatus[] told = await Task.WhenAll(exits).WaitAsync(UntilAllAreTold);
        string ended = Each("exit", ending, count);
        if (told.Any(exit => exit.Signal != UnixSignal.Kill))
            throw new InvalidOperationException($"A child was killed and has ended with {told.First(exit => exit.Signal != UnixSignal.Kill)}.");
        return $"children={count} threads={threads} managed_bytes={each.Managed / count} resident_bytes={each.Resident / count} {started} {ended}";
    }

    private static string Each(string what, Stopwatches watches, int count)
    {
        Stopwatches.Reading read = watches.Read();
        return $"{what}_us={read.Seconds / count * 1e6:F1} {what}_cpu_us={read.Own / count * 1e6:F1}";
    }
}
