namespace UnixLoop.Loop.Tests.Loops;

/// <summary>What only the loop's thread may call says so anywhere else, in Release too (asyncio checks it in debug mode alone).</summary>
public sealed class WrongThreadTests : LoopTest
{
    protected override UnixEventLoopSettings Settings => new() { Name = "mine", LoggerFactory = Loggers };

    [Fact]
    public async Task AssertOnLoop_AnotherThread_NamesTheLoop()
    {
        await Loop.InvokeAsync(Loop.AssertOnLoop).WaitAsync(TestTimeout);
        Assert.Contains("'mine'", Assert.Throws<InvalidOperationException>(Loop.AssertOnLoop).Message, StringComparison.Ordinal);
        await using UnixEventLoop other = new();
        await other.StartAsync().WaitAsync(TestTimeout);
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => other.InvokeAsync(Loop.AssertOnLoop).WaitAsync(TestTimeout));
        Assert.Contains("'mine'", refused.Message, StringComparison.Ordinal);
    }
}
