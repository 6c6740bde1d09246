using System.IO.Pipelines;
using System.Text;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class OutputLinesTests
{
    [Theory]
    [InlineData("", new string[0])]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\n", new[] { "a" })]
    [InlineData("a\r\nb\rc\n\nd", new[] { "a", "b\rc", "", "d" })]
    [InlineData("\n\r\n", new[] { "", "" })]
    [InlineData("ä€😀\n", new[] { "ä€😀" })]
    public async Task Read_Text_IsCutAtItsLineEndsHoweverItComes(string text, string[] expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int piece = 1; piece <= Math.Max(1, bytes.Length); piece++)
            Assert.Equal(expected, await ReadAsync(bytes, piece));
    }

    [Fact]
    public async Task Read_InvalidBytes_BecomeReplacementCharacters() =>
        Assert.Equal(["a\uFFFDb", "\uFFFD"], await ReadAsync([(byte)'a', 0xFF, (byte)'b', (byte)'\n', 0xC3], piece: 1));

    [Theory]
    [InlineData(OutputLines.MaxBytes - 1, "\n", 1)]
    [InlineData(OutputLines.MaxBytes, "\n", 1)]
    [InlineData(OutputLines.MaxBytes, "\r\n", 1)]
    [InlineData(OutputLines.MaxBytes, "", 1)]
    [InlineData(OutputLines.MaxBytes + 1, "\n", 2)]
    [InlineData(OutputLines.MaxBytes + 1, "\r\n", 2)]
    [InlineData(OutputLines.MaxBytes + 1, "", 2)]
    [InlineData(OutputLines.MaxBytes * 3, "\n", 3)]
    [InlineData((OutputLines.MaxBytes * 3) + 1, "", 4)]
    public async Task Read_LongLine_ComesInPiecesWithNothingLeftOut(int length, string end, int pieces)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))));
        string[] lines = await ReadAsync(Encoding.UTF8.GetBytes(text + end), piece: 4000);
        Assert.Equal(pieces, lines.Length);
        Assert.Equal(text, string.Concat(lines));
        Assert.All(lines, line => Assert.InRange(line.Length, 1, OutputLines.MaxBytes));
    }

    [Theory]
    [InlineData("ä")]
    [InlineData("€")]
    [InlineData("😀")]
    public async Task Read_LongLine_IsCutBetweenCharacters(string character)
    {
        string text = "x" + string.Concat(Enumerable.Repeat(character, OutputLines.MaxBytes));
        string[] lines = await ReadAsync(Encoding.UTF8.GetBytes(text + "\n"), piece: 4000);
        Assert.DoesNotContain(lines, line => line.Contains('\uFFFD'));
        Assert.Equal(text, string.Concat(lines));
    }

    [Fact]
    public async Task Read_RandomBytes_LosesNone()
    {
        var random = new Random(5);
        byte[] bytes = new byte[300_000];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = random.Next(20_000) == 0 ? (byte)'\n' : (byte)random.Next(' ', 127);
        string[] lines = await ReadAsync(bytes, piece: 7001);
        Assert.Equal(bytes.Where(b => b != '\n'), Encoding.UTF8.GetBytes(string.Concat(lines)));
    }

    private static async Task<string[]> ReadAsync(byte[] bytes, int piece)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        List<string> lines = [];
        Task reading = OutputLines.ReadAsync(pipe.Reader, lines.Add);
        foreach (byte[] part in bytes.Chunk(piece))
            await pipe.Writer.WriteAsync(part);
        await pipe.Writer.CompleteAsync();
        await reading.WaitAsync(TestTimeout);
        return [.. lines];
    }
}
