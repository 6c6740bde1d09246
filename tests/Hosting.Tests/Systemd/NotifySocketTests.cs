using System.Net.Sockets;

using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting.Tests.Systemd;

public sealed class NotifySocketTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    static NotifySocketTests()
    {
        // The runtime's socket engine has an epoll of its own, which stays once it is there.
        NotifySocket.TryCreate($"@nobody-{Guid.NewGuid():N}", out NotifySocket? socket);
        Assert.Throws<SocketException>(() => socket!.Send("READY=1"u8));
    }

    public void Dispose() => _leaks.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Send_PathOrAbstractName_Arrives(bool isAbstract)
    {
        using var manager = new ServiceManager(isAbstract);
        Assert.True(NotifySocket.TryCreate(manager.Address, out NotifySocket? socket));

        socket!.Send("READY=1"u8);

        Assert.Equal("READY=1", manager.Receive());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("@")]
    [InlineData("relative/path")]
    [InlineData("vsock:2:1234")]
    public void TryCreate_AnythingElse_IsRefused(string address) => Assert.False(NotifySocket.TryCreate(address, out _));

    [Fact]
    public void TryCreate_TooLong_IsRefused() => Assert.False(NotifySocket.TryCreate('/' + new string('x', 200), out _));

    [Fact]
    public void Send_NoSuchFile_SaysSo()
    {
        string path = Path.Combine(Path.GetTempPath(), $"nobody-{Guid.NewGuid():N}");
        Assert.True(NotifySocket.TryCreate(path, out NotifySocket? socket));
        var e = Assert.Throws<IOException>(() => socket!.Send("READY=1"u8));
        Assert.Equal($"There is no socket at '{path}'.", e.Message);
    }

    [Fact]
    public void Send_NobodyThere_Throws()
    {
        Assert.True(NotifySocket.TryCreate($"@nobody-{Guid.NewGuid():N}", out NotifySocket? socket));
        Assert.Throws<SocketException>(() => socket!.Send("READY=1"u8));
    }
}
