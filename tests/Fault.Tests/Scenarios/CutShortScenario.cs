using UnixLoop.Fault.Tests.Campaigns;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>Runs that end before their child does: by time-out, and by a caller that cancels.</summary>
internal sealed class CutShortScenario : ChildScenario
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(5);

    internal override string Name => "time-out and cancel";

    internal override async Task RunAsync(Rig rig)
    {
        ChildRig children = await ChildRig.StartAsync(rig, WatcherKind.Pidfd);
        var options = new SubprocessRunOptions { Timeout = Soon, StopGrace = Campaign.Bound };
        SubprocessResult result = await children.Factory.RunAsync(new SubprocessStartInfo("sleep", "1000"), options);
        rig.Expect(result.TimedOut || rig.ChildMayDie, "the result says that it timed out");
        children.ExpectStopped(result.Exit);

        using var cancellation = new CancellationTokenSource(Soon);
        try
        {
            result = await children.Factory.RunAsync(
                new SubprocessStartInfo("sleep", "1000"), new SubprocessRunOptions { StopGrace = Campaign.Bound }, cancellation.Token);
            rig.Expect(rig.ChildMayDie, "a run that is cancelled throws");
        }
        catch (OperationCanceledException canceled)
        {
            rig.Expect(canceled.CancellationToken == cancellation.Token, "the exception has the caller's token");
        }
    }
}
