using System.IO.Pipes;

namespace UnixLoop.Loop.Tests;

public sealed class LeakCheckTests
{
    [Fact]
    public void Dispose_NothingOpened_Passes()
    {
        var check = new LeakCheck();
        check.Dispose();
    }

    [Fact]
    public void Dispose_DescriptorLeftOpen_FailsAndNamesIt()
    {
        var check = new LeakCheck(TimeSpan.FromMilliseconds(50));
        using var pipe = new AnonymousPipeServerStream();
        Exception e = Assert.ThrowsAny<Exception>(check.Dispose);
        Assert.Contains("pipe:[", e.Message, StringComparison.Ordinal);
    }
}
