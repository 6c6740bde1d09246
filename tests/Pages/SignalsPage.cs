namespace UnixLoop.Pages;

internal static class SignalsPage
{
    internal interface IReloadable
    {
        Task ReloadAsync(CancellationToken cancellationToken);
    }

    internal static async Task<bool> HandlersAsync(Journal journal, IReloadable configuration)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();

        loop.AddSignalHandler(UnixSignal.Usr1, () => Console.WriteLine(loop.GetStatistics()));
        loop.AddSignalHandler(UnixSignal.Usr2, static journal => journal.Rotate(), journal);      // a state, no closure
        loop.AddSignalHandler(UnixSignal.Hup, async token => await configuration.ReloadAsync(token)); // on the thread pool

        bool removed = loop.RemoveSignalHandler(UnixSignal.Usr2);
        return removed;
    }
}
