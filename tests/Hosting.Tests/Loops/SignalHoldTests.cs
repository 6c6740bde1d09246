using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Hosting.Tests.Loops;

public sealed class SignalHoldTests
{
    [Fact]
    public void Dispose_SignalsGoBackAWhileLater()
    {
        UnixSignal signal = new(50);
        FakeTimeProvider clock = new();
        SignalHold hold = new(clock);
        Assert.False(IsCaught(signal));

        hold.Add(signal);
        hold.Dispose();
        hold.Dispose();

        clock.Advance(ShutdownBudget.Reserve - TimeSpan.FromMilliseconds(1));
        Assert.True(IsCaught(signal));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(IsCaught(signal));
    }

    /// <summary>Whether a handler is installed (proc_pid_status(5)).</summary>
    private static bool IsCaught(UnixSignal signal)
    {
        const string caught = "SigCgt:";
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith(caught, StringComparison.Ordinal))[caught.Length..];
        return (Convert.ToUInt64(mask.Trim(), 16) >> (signal.Number - 1) & 1) == 1;
    }
}
