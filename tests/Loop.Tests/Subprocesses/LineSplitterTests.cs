using System.Text;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class LineSplitterTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a\n", "a")]
    [InlineData("a", "a")]
    [InlineData("a\nb", "a|b")]
    [InlineData("a\r\nb\r\n", "a|b")]
    [InlineData("\n\n", "|")]
    [InlineData("\r\n\r\n", "|")]
    [InlineData("a\rb\n", "a\rb")]
    [InlineData("a\r", "a\r")]
    [InlineData("a\r\r\n", "a\r")]
    [InlineData("grün\n日本\n", "grün|日本")]
    public void Split_HoweverTheBytesAreCut_GivesTheSameLines(string text, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int size = 1; size <= Math.Max(1, bytes.Length); size++)
        {
            List<SubprocessLine> lines = Split(bytes, size, 100);
            Assert.Equal(text.Length == 0 ? [] : expected.Split('|'), lines.Select(line => line.Text));
            Assert.All(lines, line => Assert.False(line.Truncated));
        }
    }

    [Theory]
    [InlineData("1234\n", "1234", false)]
    [InlineData("1234\r\n", "1234", false)]
    [InlineData("1234", "1234", false)]
    [InlineData("12345\n", "1234", true)]
    [InlineData("12345", "1234", true)]
    [InlineData("12345\r\n", "1234", true)]
    [InlineData("123456789012345678901234567890\n", "1234", true)]
    [InlineData("123ü\n", "123", true)]
    [InlineData("12日\n", "12", true)]
    [InlineData("1日\n", "1日", false)]
    public void Split_AtTheLimit_CutsTheLineBetweenTwoCharacters(string text, string expected, bool truncated)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text + (text.EndsWith('\n') ? "next" : ""));
        for (int size = 1; size <= bytes.Length; size++)
        {
            List<SubprocessLine> lines = Split(bytes, size, 4);
            Assert.Equal((expected, truncated), (lines[0].Text, lines[0].Truncated));
            if (lines.Count > 1)
                Assert.Equal(("next", false), (lines[1].Text, lines[1].Truncated));
        }
    }

    [Fact]
    public void Split_InvalidUtf8_BecomesReplacementCharacters() =>
        Assert.Equal("a\uFFFDb", Assert.Single(Split([(byte)'a', 0xFF, (byte)'b', (byte)'\n'], 4, 100)).Text);

    [Fact]
    public void Split_ErrorStream_TagsItsLines()
    {
        ReadOnlySpan<byte> bytes = "x\n"u8;
        Assert.True(new LineSplitter(new LineFormat(IsError: true, 10, Encoding.UTF8)).TryTakeLine(ref bytes, out SubprocessLine line));
        Assert.True(line.IsError);
    }

    private static List<SubprocessLine> Split(byte[] bytes, int size, int limit)
    {
        var splitter = new LineSplitter(new LineFormat(IsError: false, limit, Encoding.UTF8));
        List<SubprocessLine> lines = [];
        foreach (byte[] part in bytes.Chunk(size))
        {
            ReadOnlySpan<byte> rest = part;
            while (splitter.TryTakeLine(ref rest, out SubprocessLine line))
                lines.Add(line);
        }
        if (splitter.TryTakeLast(out SubprocessLine last))
            lines.Add(last);
        return lines;
    }
}
