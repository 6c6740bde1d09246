using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>Neither an address nor a socket, or no loop (cpython: nopath_nosock).</summary>
public sealed class MissingArgumentsTests : LoopTest
{
    private static readonly UnixSocketAddress Somewhere = UnixSocketAddress.FromAbstractName("unixloop-nobody");

    [Fact]
    public async Task Listener_NoAddressSocketOrLoop_IsNamed()
    {
        Assert.Equal("address", (await Assert.ThrowsAsync<ArgumentNullException>(() => UnixStreamListener.BindAsync(Loop, null!))).ParamName);
        Assert.Equal("loop", (await Assert.ThrowsAsync<ArgumentNullException>(() => UnixStreamListener.BindAsync(null!, Somewhere))).ParamName);
        Assert.Equal("socket", Assert.Throws<ArgumentNullException>(() => UnixStreamListener.FromSocket(Loop, null!)).ParamName);
    }

    [Fact]
    public async Task Connection_NoAddressSocketOrLoop_IsNamed()
    {
        Assert.Equal("address", (await Assert.ThrowsAsync<ArgumentNullException>(() => UnixStreamConnection.ConnectAsync(Loop, null!))).ParamName);
        Assert.Equal("loop", (await Assert.ThrowsAsync<ArgumentNullException>(() => UnixStreamConnection.ConnectAsync(null!, Somewhere))).ParamName);
        Assert.Equal("socket", Assert.Throws<ArgumentNullException>(() => { UnixStreamConnection.FromSocket(Loop, null!); }).ParamName);
    }

    [Fact]
    public void Address_NoPath_IsNamed()
    {
        Assert.Equal("path", Assert.Throws<ArgumentNullException>(() => UnixSocketAddress.FromPath((string)null!)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => UnixSocketAddress.FromAbstractName((string)null!)).ParamName);
    }
}
