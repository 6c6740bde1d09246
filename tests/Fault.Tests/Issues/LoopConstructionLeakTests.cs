using UnixLoop.Fault.Tests.Injection;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Issues;

/// <summary>A loop whose eventfd could not be had, or not be registered, left its epoll descriptor to the finalizer.</summary>
public sealed class LoopConstructionLeakTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    [Theory]
    [InlineData("eventfd")]
    [InlineData("epoll_ctl EPOLL_CTL_ADD")]
    public void Constructor_SecondStepFails_ClosesWhatTheFirstOpened(string function)
    {
        using FaultScope fault = FaultScope.Fail(function, ENOMEM);
        IOException error = Assert.Throws<IOException>(() => new UnixEventLoop());
        Assert.Equal(ENOMEM, error.HResult);
        Assert.StartsWith("ENOMEM: ", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _leaks.Dispose();
}
