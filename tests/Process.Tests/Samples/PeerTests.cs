namespace UnixLoop.Process.Tests.Samples;

/// <summary>The program that tests/Benchmarks/compare measures, at the edges of its protocol.</summary>
public sealed class PeerTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData]
    [InlineData("W99")]
    [InlineData("W3")]
    [InlineData("--on-pool", "W99")]
    public async Task WorkloadThatItLacks_ExitsWithTwoAndOneLine(params string[] arguments)
    {
        await using SampleProgram peer = SampleProgram.Start(Path.Combine(SampleProgram.FolderOf("Peer"), "peer"), arguments);
        Assert.Equal(2, await peer.WaitForExitAsync());
        Assert.StartsWith($"peer: no workload '{string.Join(' ', arguments)}': W1, ", Assert.Single(peer.Lines), StringComparison.Ordinal);
    }
}
