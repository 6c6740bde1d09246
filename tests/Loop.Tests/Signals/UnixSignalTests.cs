using Tmds.Linux;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class UnixSignalTests
{
    [Fact]
    public void Properties_Numbers_AreThoseOfTheHeaders()
    {
        (UnixSignal Signal, int Number)[] all =
        [
            (UnixSignal.Hup, LibC.SIGHUP), (UnixSignal.Int, LibC.SIGINT), (UnixSignal.Quit, LibC.SIGQUIT), (UnixSignal.Abrt, LibC.SIGABRT),
            (UnixSignal.Kill, LibC.SIGKILL), (UnixSignal.Usr1, LibC.SIGUSR1), (UnixSignal.Segv, LibC.SIGSEGV), (UnixSignal.Usr2, LibC.SIGUSR2),
            (UnixSignal.Pipe, LibC.SIGPIPE), (UnixSignal.Alrm, LibC.SIGALRM), (UnixSignal.Term, LibC.SIGTERM), (UnixSignal.Chld, LibC.SIGCHLD),
            (UnixSignal.Cont, LibC.SIGCONT), (UnixSignal.Stop, LibC.SIGSTOP), (UnixSignal.Tstp, LibC.SIGTSTP), (UnixSignal.Ttin, LibC.SIGTTIN),
            (UnixSignal.Ttou, LibC.SIGTTOU), (UnixSignal.Winch, LibC.SIGWINCH),
        ];
        Assert.All(all, pair => Assert.Equal(pair.Number, pair.Signal.Number));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)] // PosixSignal.SIGHUP
    [InlineData(-1000)]
    [InlineData(65)]
    [InlineData(1000)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void Constructor_NumberOutOfRange_Throws(int number)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => new UnixSignal(number));
        Assert.Equal("Number", e.ParamName);
        Assert.Equal(number, e.ActualValue);
        Assert.Contains("1 to 64", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void Constructor_EndsOfTheRange_AreSignals(int number) => Assert.Equal(number, new UnixSignal(number).Number);

    [Fact]
    public void Default_IsNoSignal()
    {
        Assert.Equal(0, default(UnixSignal).Number);
        Assert.Equal("no signal", default(UnixSignal).ToString());
        Assert.NotEqual(UnixSignal.Hup, default);
    }

    [Fact]
    public void Equality_IsByNumber()
    {
        Assert.Equal(UnixSignal.Term, new UnixSignal(15));
        Assert.True(UnixSignal.Term != UnixSignal.Kill);
        Assert.Equal(UnixSignal.Term.GetHashCode(), new UnixSignal(15).GetHashCode());
    }

    [Fact]
    public void RealTime_Offsets_CountFromWhatLibcReports()
    {
        Assert.InRange(UnixSignal.RtMin.Number, 34, 35); // glibc, musl
        Assert.Equal(64, UnixSignal.RtMax.Number);
        Assert.Equal(UnixSignal.RtMin, UnixSignal.RealTime(0));
        Assert.Equal(UnixSignal.RtMin.Number + 3, UnixSignal.RealTime(3).Number);
        Assert.Equal(UnixSignal.RtMax, UnixSignal.RealTime(UnixSignal.RtMax.Number - UnixSignal.RtMin.Number));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(31)]
    [InlineData(int.MaxValue)]
    public void RealTime_OffsetOutOfRange_Throws(int offset)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => UnixSignal.RealTime(offset));
        Assert.Equal(offset, e.ActualValue);
    }

    [Fact]
    public void ToString_Names_AreThoseOfTheManPage()
    {
        Assert.Equal("SIGHUP", UnixSignal.Hup.ToString());
        Assert.Equal("SIGTERM", new UnixSignal(15).ToString());
        Assert.Equal("SIGSYS", new UnixSignal(31).ToString());
        Assert.Equal("32", new UnixSignal(32).ToString()); // libc's own
        Assert.Equal("SIGRTMIN", UnixSignal.RtMin.ToString());
        Assert.Equal("SIGRTMIN+3", UnixSignal.RealTime(3).ToString());
        Assert.Equal($"SIGRTMIN+{64 - UnixSignal.RtMin.Number}", UnixSignal.RtMax.ToString());
    }
}
