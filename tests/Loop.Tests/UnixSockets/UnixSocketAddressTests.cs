using System.Net.Sockets;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

public sealed class UnixSocketAddressTests
{
    [Fact]
    public void FromPath_StringAndBytes_AreEqual()
    {
        UnixSocketAddress address = UnixSocketAddress.FromPath("/run/ä.sock");
        Assert.Equal(address, UnixSocketAddress.FromPath("/run/ä.sock"u8));
        Assert.Equal(address.GetHashCode(), UnixSocketAddress.FromPath("/run/ä.sock"u8).GetHashCode());
        Assert.Equal("/run/ä.sock", address.Path);
        Assert.False(address.IsAbstract || address.IsUnnamed);
        Assert.NotEqual(address, UnixSocketAddress.FromAbstractName("/run/ä.sock"));
    }

    [Fact]
    public void ToString_UnprintableBytes_AreEscaped()
    {
        Assert.Equal("/run/\\xff\\x0a\\x5c", UnixSocketAddress.FromPath([.. "/run/"u8, 0xff, (byte)'\n', (byte)'\\']).ToString());
        Assert.Equal("@a\\x00b", UnixSocketAddress.FromAbstractName("a\0b").ToString());
    }

    [Fact]
    public void FromPath_OutsideTheRules_IsRefusedByName()
    {
        Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromPath(""));
        Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromPath([]));
        Assert.Contains("NUL", Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromPath("a\0b")).Message, StringComparison.Ordinal);
        Assert.Contains("4096", Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromPath(new string('x', 4096))).Message, StringComparison.Ordinal);
        Assert.Contains("108", Assert.Throws<ArgumentException>(() => UnixSocketAddress.FromAbstractName(new string('x', 108))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromEndPoint_PathAndAbstract_AreToldApart()
    {
        Assert.Equal(UnixSocketAddress.FromPath("/run/a.sock"), UnixSocketAddress.FromEndPoint(new UnixDomainSocketEndPoint("/run/a.sock")));
        Assert.Equal(UnixSocketAddress.FromAbstractName("name"), UnixSocketAddress.FromEndPoint(new UnixDomainSocketEndPoint("\0name")));
    }
}
