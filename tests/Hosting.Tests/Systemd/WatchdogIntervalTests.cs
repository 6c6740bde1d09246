using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting.Tests.Systemd;

public sealed class WatchdogIntervalTests : IDisposable
{
    private readonly FakeLogger _logger = new();

    public void Dispose() => Environment.SetEnvironmentVariable(WatchdogInterval.TimeVariable, null);

    /// <summary>The longest is beyond what a TimeSpan holds, and the shortest would leave a loop no time for anything else.</summary>
    [Theory]
    [InlineData("20000000", "00:00:10")]
    [InlineData("86400000001", "12:00:00")]
    [InlineData("18446744073709551615", "12:00:00")]
    [InlineData("1", "00:00:00.001")]
    public void Read_Time_IsHalvedWithinWhatATimerCanDo(string time, string interval)
    {
        Environment.SetEnvironmentVariable(WatchdogInterval.TimeVariable, time);

        Assert.Equal(TimeSpan.Parse(interval, System.Globalization.CultureInfo.InvariantCulture), WatchdogInterval.Read(_logger));

        Assert.Equal(0, _logger.Collector.Count);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("soon")]
    [InlineData("18446744073709551616")]
    public void Read_NoTime_IsWarnedOf(string time)
    {
        Environment.SetEnvironmentVariable(WatchdogInterval.TimeVariable, time);

        Assert.Null(WatchdogInterval.Read(_logger));

        Assert.Equal("WatchdogUnintelligible", _logger.LatestRecord.Id.Name);
    }
}
