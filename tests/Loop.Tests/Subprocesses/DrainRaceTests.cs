using Microsoft.Extensions.Time.Testing;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>The end of an enumeration while the loop arms the bound of a drain.</summary>
public sealed class DrainRaceTests : SubprocessTest
{
    private readonly HookedTime _time = new();

    protected override UnixEventLoopSettings Settings => new() { LoggerFactory = Loggers, TimeProvider = _time };

    [Fact]
    public async Task ReadLines_LeftWhileTheBoundIsArmed_CutsNothingOff()
    {
        using var arming = new SemaphoreSlim(0);
        using var left = new SemaphoreSlim(0);
        SubprocessRunOptions options = new() { DrainBound = TimeSpan.FromMinutes(7) };
        _time.BeforeTimer = due =>
        {
            if (due != options.DrainBound)
                return;
            arming.Release();
            Assert.True(left.Wait(TestTimeout));
        };
        IAsyncEnumerator<SubprocessLine> lines = Factory.ReadLinesAsync(Shell("setsid sleep 1000 & echo $!"), options).GetAsyncEnumerator();
        Assert.True(await lines.MoveNextAsync().AsTask().WaitAsync(TestTimeout));
        int grandchild = int.Parse(lines.Current.Text);

        Assert.True(await arming.WaitAsync(TestTimeout));
        await lines.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        left.Release();
        await SettleAsync();
        _time.Advance(options.DrainBound);
        await SettleAsync();

        Assert.DoesNotContain(Log.GetSnapshot(), record => record.Id.Name == "SubprocessOutputCutOff");
        TestLibc.Kill(grandchild, 9);
    }

    private sealed class HookedTime : FakeTimeProvider
    {
        internal Action<TimeSpan>? BeforeTimer { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            BeforeTimer?.Invoke(dueTime);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
