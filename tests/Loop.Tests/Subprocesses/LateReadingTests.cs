using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class LateReadingTests
{
    private readonly LateReading _reading = new();

    [Fact]
    public void Delay_NothingKnown_IsTheLeast() => Assert.Equal(LateReading.Least, _reading.Delay);

    [Theory]
    [InlineData(0.1, 2)]
    [InlineData(1, 2)]
    [InlineData(1.5, 3)]
    [InlineData(3, 6)]
    [InlineData(7.9, 8)]
    public void Delay_SmallProgramsTakeThatLong_IsTwiceAsLongWithinBounds(double milliseconds, double delay)
    {
        SmallProgramsTake(milliseconds);
        Assert.Equal(delay, _reading.Delay.TotalMilliseconds, tolerance: 0.01);
        _reading.OnExit(TimeSpan.FromMilliseconds(milliseconds / 10), written: 0);
        Assert.InRange(_reading.Delay.TotalMilliseconds, delay * 0.85, delay); // one that is faster changes little
    }

    [Fact]
    public void Delay_SmallProgramsAreFasterAgain_ComesDown()
    {
        SmallProgramsTake(milliseconds: 3);
        SmallProgramsTake(milliseconds: 1.5);
        Assert.Equal(3, _reading.Delay.TotalMilliseconds, tolerance: 0.01);
    }

    [Fact]
    public void Delay_ProgramsThatLiveLong_AreNoMeasure()
    {
        SmallProgramsTake(milliseconds: 8.1);
        Assert.Equal(LateReading.Least, _reading.Delay);
        _reading.OnExit(LateReading.Most, LateReading.LargestUnhindered);
        Assert.InRange(_reading.Delay, LateReading.Least + TimeSpan.FromTicks(1), LateReading.Most);
    }

    // Else their waiting would lengthen the wait, and what small programs taught would stay theirs for good.
    [Theory, InlineData(1), InlineData(7), InlineData(20)]
    public void Delay_ProgramsThatMayHaveWaited_BringItDown(double milliseconds)
    {
        SmallProgramsTake(milliseconds: 4);
        for (int i = 0; i < 100; i++)
            _reading.OnExit(TimeSpan.FromMilliseconds(milliseconds), LateReading.LargestUnhindered + 1);
        Assert.Equal(LateReading.Least.TotalMilliseconds, _reading.Delay.TotalMilliseconds, tolerance: 0.01);
    }

    private void SmallProgramsTake(double milliseconds)
    {
        for (int i = 0; i < 100; i++)
            _reading.OnExit(TimeSpan.FromMilliseconds(milliseconds), written: 0);
    }
}
