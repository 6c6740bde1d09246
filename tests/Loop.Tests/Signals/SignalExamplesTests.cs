using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Signals;

/// <summary>The example of docs/signals.md.</summary>
public sealed class SignalExamplesTests
{
    [Fact]
    public async Task Page_Example_Works()
    {
        var journal = new Journal();
        var configuration = new Configuration();

        await using var loop = new UnixEventLoop();
        await loop.StartAsync();

        loop.AddSignalHandler(UnixSignal.Usr1, () => Console.WriteLine(loop.GetStatistics()));
        loop.AddSignalHandler(UnixSignal.Usr2, static journal => journal.Rotate(), journal);      // a state, no closure
        loop.AddSignalHandler(UnixSignal.Hup, async token => await configuration.ReloadAsync(token)); // on the thread pool

        TestLibc.Kill(Environment.ProcessId, UnixSignal.Usr2.Number);
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Hup.Number);
        await Task.WhenAll(journal.Rotated.Task, configuration.Reloaded.Task).WaitAsync(TestTimeout);

        bool removed = loop.RemoveSignalHandler(UnixSignal.Usr2);
        Assert.True(removed);
    }

    private sealed class Journal
    {
        internal TaskCompletionSource Rotated { get; } = new();

        internal void Rotate() => Rotated.TrySetResult();
    }

    private sealed class Configuration
    {
        internal TaskCompletionSource Reloaded { get; } = new();

        internal async Task ReloadAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            Reloaded.TrySetResult();
        }
    }
}
