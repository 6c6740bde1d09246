using System.Globalization;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A child may turn packet mode on in its output (O_DIRECT, pipe(2)): a read with too little room for a packet would lose its end.</summary>
public sealed class PacketModeTests : SubprocessTest
{
    private const int Packets = 500;

    private readonly string _file = Path.GetTempFileName();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_file);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3333)]
    [InlineData(4095)]
    [InlineData(4096)]
    public async Task Rule13_RunOfAChildThatWritesPackets_LosesNoByte(int size)
    {
        byte[] written = NewContent(size * Packets);
        SubprocessResult result = await RunAsync(PacketWriter(size));
        Assert.True(result.Exit.IsSuccess, result.Error);
        Assert.True(result.OutputBytes.Span.SequenceEqual(written));
        Assert.False(result.Truncated);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(4001, true)]
    [InlineData(8000, true)]
    [InlineData(4000 * Packets - 1, true)]
    [InlineData(4000 * Packets, false)]
    [InlineData(4000 * Packets + 1, false)]
    public async Task Rule13_RunOfAChildThatWritesPacketsUpToALimit_HasTheFirstBytes(int limit, bool isTruncated)
    {
        byte[] written = NewContent(4000 * Packets);
        SubprocessResult result = await RunAsync(PacketWriter(4000), new() { MaxOutputBytes = limit });
        Assert.True(result.Exit.IsSuccess, result.Error);
        Assert.True(result.OutputBytes.Span.SequenceEqual(written.AsSpan(0, Math.Min(limit, written.Length))));
        Assert.Equal(isTruncated, result.Truncated);
    }

    /// <summary>dd fails where it can't turn packet mode on.</summary>
    private SubprocessStartInfo PacketWriter(int size) => new("/bin/dd", $"if={_file}", $"bs={Text(size)}", "oflag=direct", "status=none");

    private byte[] NewContent(int size)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        File.WriteAllBytes(_file, content);
        return content;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
