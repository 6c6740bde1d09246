using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Loops that are made, started, used once, stopped and disposed: also one that never starts, and one that stops itself.</summary>
internal sealed class LoopLifetimeScenario : Scenario
{
    internal override string Name => "loop lifetime";

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop idle = rig.CreateLoop();
        Task neverRuns = rig.Track(idle.InvokeAsync(() => rig.Expect(false, "nothing runs on a loop that never started")));
        await idle.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => neverRuns);

        UnixEventLoop loop = await rig.StartLoopAsync();
        int result = await rig.Track(loop.InvokeAsync(() => 7));
        rig.Expect(result == 7, "InvokeAsync returns the callback's result");
        await Task.WhenAll(loop.StopAsync(), loop.StopAsync());
        loop.Dispose();

        UnixEventLoop stopsItself = await rig.StartLoopAsync();
        stopsItself.Post(() => rig.Track(stopsItself.StopAsync()));
        await rig.Track(stopsItself.Completion);
    }
}
