using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Scenarios;

namespace UnixLoop.Fault.Tests;

/// <summary>Children under faults: every run ends in success or in the one named error, and leaves nothing behind.</summary>
public sealed class ChildFaultTests
{
    [Theory, InlineData(false), InlineData(true)]
    public Task Spawn_AnyFault_EndsAsDocumented(bool byHelper) => Campaign.RunAsync(new SpawnScenario(byHelper));

    [Fact]
    public Task SpawnWithOldLibc_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new OldLibcScenario());

    [Fact]
    public Task Attributes_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new AttributesScenario());

    [Fact]
    public Task Terminal_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new TerminalScenario());

    [Fact]
    public Task RefusedStart_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new RefusedStartScenario());

    [Theory, InlineData(false), InlineData(true)]
    public Task Capture_AnyFault_EndsAsDocumented(bool fromStream) => Campaign.RunAsync(new CaptureScenario(fromStream));

    [Fact]
    public Task TimeoutAndCancel_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new CutShortScenario());

    [Fact]
    public Task Lines_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new LinesScenario());

    [Fact]
    public Task Pipes_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new PipesScenario());

    [Fact]
    public Task Pipeline_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new PipelineScenario());

    [Fact]
    public Task SourcesAndTargets_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new TargetsScenario());

    [Fact]
    public Task StopTree_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new StopTreeScenario());

    [Fact]
    public Task Supervision_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new SupervisionScenario());

    [Fact]
    public Task WatchProcess_AnyFault_EndsAsDocumented() => Campaign.RunAsync(new WatchProcessScenario());

    [Theory, MemberData(nameof(Watchers))]
    public Task Detached_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new DetachedScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task Wait_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new WaitScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task Stop_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new StopScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task Dispose_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new DisposeScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task Orphan_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new OrphanScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task Watcher_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new WatcherScenario(Enum.Parse<WatcherKind>(watcher)));

    [Theory, MemberData(nameof(Watchers))]
    public Task ReapedElsewhere_AnyFault_EndsAsDocumented(string watcher) => Campaign.RunAsync(new StolenScenario(Enum.Parse<WatcherKind>(watcher)));

    public static TheoryData<string> Watchers => [.. Enum.GetNames<WatcherKind>()];
}
