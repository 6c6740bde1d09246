using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class LateReadingTests
{
    private const int Small = 100;

    [Fact]
    public void Delay_NothingKnown_IsTheLeast() => Assert.Equal(LateReading.Least, new LateReading().Delay);

    [Theory]
    [InlineData(0.1, 2)]
    [InlineData(1, 2)]
    [InlineData(1.5, 3)]
    [InlineData(3, 6)]
    [InlineData(7.9, 8)]
    public void Delay_SmallProgramsTakeThatLong_IsTwiceAsLongWithinBounds(double milliseconds, double delay)
    {
        LateReading reading = new();
        for (int i = 0; i < 100; i++)
            reading.OnExit(TimeSpan.FromMilliseconds(milliseconds), Small);
        Assert.Equal(delay, reading.Delay.TotalMilliseconds, tolerance: 0.01);
        reading.OnExit(TimeSpan.FromMilliseconds(milliseconds / 10), Small);
        Assert.InRange(reading.Delay.TotalMilliseconds, delay * 0.85, delay); // one that is faster changes little
    }

    [Fact]
    public void Delay_ProgramsThatLiveLongOrMayHaveWaited_AreNoMeasure()
    {
        LateReading reading = new();
        for (int i = 0; i < 100; i++)
        {
            reading.OnExit(TimeSpan.FromMilliseconds(8.1), Small);
            reading.OnExit(TimeSpan.FromMilliseconds(5), 32 * 1024);
        }
        Assert.Equal(LateReading.Least, reading.Delay);
        reading.OnExit(TimeSpan.FromMilliseconds(8), 32 * 1024 - 1);
        Assert.InRange(reading.Delay, LateReading.Least + TimeSpan.FromTicks(1), LateReading.Most);
    }
}
