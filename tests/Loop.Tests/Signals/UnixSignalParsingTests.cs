using System.Globalization;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class UnixSignalParsingTests
{
    [Theory]
    [InlineData("TERM", 15)]
    [InlineData("SIGTERM", 15)]
    [InlineData("sigterm", 15)]
    [InlineData("Term", 15)]
    [InlineData(" TERM ", 15)]
    [InlineData("15", 15)]
    [InlineData("1", 1)]
    [InlineData("64", 64)]
    [InlineData("032", 32)]
    [InlineData("hup", 1)]
    [InlineData("SIGSTOP", 19)]
    [InlineData("WINCH", 28)]
    [InlineData("SYS", 31)]
    [InlineData("IOT", 6)] // synonyms of signal(7)
    [InlineData("SIGCLD", 17)]
    [InlineData("POLL", 29)]
    [InlineData("IO", 29)]
    [InlineData("RTMAX", 64)]
    [InlineData("sigrtmax-1", 63)]
    [InlineData("RTMAX-0", 64)]
    public void Parse_Name_GivesTheNumber(string text, int number)
    {
        Assert.Equal(number, UnixSignal.Parse(text).Number);
        Assert.True(UnixSignal.TryParse(text, out UnixSignal signal));
        Assert.Equal(number, signal.Number);
    }

    [Theory]
    [InlineData("RTMIN", 0)]
    [InlineData("RTMIN+0", 0)]
    [InlineData("RTMIN+3", 3)]
    [InlineData("SIGRTMIN+3", 3)]
    [InlineData("sigrtmin+15", 15)]
    public void Parse_RealTimeName_CountsFromWhatLibcReports(string text, int offset) =>
        Assert.Equal(UnixSignal.RealTime(offset), UnixSignal.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("SIG")]
    [InlineData("TREM")]
    [InlineData("SIGSIGTERM")]
    [InlineData("SIG15")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-1")]
    [InlineData("+15")]
    [InlineData("1.5")]
    [InlineData("0x0F")]
    [InlineData("٣")] // a digit, not an ASCII one
    [InlineData("99999999999999999999")]
    [InlineData("RTMIN+")]
    [InlineData("RTMIN-1")]
    [InlineData("RTMAX+1")]
    [InlineData("RTMAX-64")]
    [InlineData("RTMIN+31")]
    [InlineData("RTMIN+99999999999999999999")]
    [InlineData("RTMIN 3")]
    [InlineData("RTMINX")]
    public void Parse_NoSignal_ThrowsAndNamesIt(string text)
    {
        Assert.False(UnixSignal.TryParse(text, out UnixSignal signal));
        Assert.Equal(default, signal);
        var e = Assert.Throws<FormatException>(() => UnixSignal.Parse(text));
        Assert.StartsWith($"'{text}' is no signal: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Null_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => UnixSignal.Parse(null!));
        Assert.False(UnixSignal.TryParse(null, out _));
    }

    [Fact]
    public void Parse_NumberBeyondTheRange_SaysTheRange()
    {
        Assert.Contains("1 to 64", Assert.Throws<FormatException>(() => UnixSignal.Parse("65")).Message, StringComparison.Ordinal);
        Assert.Contains("RTMAX is 64", Assert.Throws<FormatException>(() => UnixSignal.Parse("RTMIN+31")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_EveryToString_GivesTheSameSignal()
    {
        for (int number = 1; number <= 64; number++)
        {
            var signal = new UnixSignal(number);
            Assert.Equal(signal, UnixSignal.Parse(signal.ToString()));
            Assert.Equal(signal, UnixSignal.Parse(signal.ToString().ToLowerInvariant()));
        }
    }

    [Fact]
    public void Parse_AsIParsable_Works()
    {
        Assert.Equal(UnixSignal.Term, ParseGeneric<UnixSignal>("TERM"));
        Assert.True(TryParseGeneric("RTMAX", out UnixSignal last));
        Assert.Equal(UnixSignal.RtMax, last);
    }

    private static T ParseGeneric<T>(string text) where T : IParsable<T> => T.Parse(text, CultureInfo.InvariantCulture);

    private static bool TryParseGeneric<T>(string text, out T? result) where T : IParsable<T> =>
        T.TryParse(text, CultureInfo.InvariantCulture, out result);
}
