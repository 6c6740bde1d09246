using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Issues;

/// <summary>What reviews have found in connections, each once.</summary>
public sealed class AfterReviewTests : ListenerTest
{
    /// <summary>The peer's end, which had been seen, made what was read and dropped by the disposal look like a whole that was read.</summary>
    [Fact]
    public async Task Read_DisposedWithBytesUnreadAfterThePeersEnd_FailsAndIsNotTheEnd()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        ConnectionTest.Send(peer, "part and rest");
        peer.Dispose();
        await ConnectionTest.ClosedAsync(connection); // both ends have been seen, the bytes have been read by the loop
        await DisposeAsync(connection);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout));
        Assert.Throws<ObjectDisposedException>(() => connection.Input.TryRead(out _));
    }

    [Fact]
    public async Task Read_DisposedAfterAllWasReadToTheEnd_FailsAsDocumented()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        peer.Dispose();
        Assert.Empty(await ConnectionTest.ReadToEndAsync(connection.Input));
        await DisposeAsync(connection);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout));
    }

    /// <summary>It said IsCompleted.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Flush_OfNothingAfterTheDisposal_FailsAsDocumented(bool peerHasGone)
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            if (peerHasGone)
            {
                peer.Dispose();
                await ConnectionTest.ReadToEndAsync(connection.Input);
                Eventually.True(() => connection.Closed.IsCancellationRequested, "the peer's close");
            }
            await DisposeAsync(connection);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => connection.Output.FlushAsync().AsTask().WaitAsync(TestTimeout));
        }
    }

    /// <summary>Bytes that came between the empty result and its AdvanceTo made its positions foreign.</summary>
    [Fact]
    public async Task AdvanceTo_EmptyCancelledReadAndBytesSince_IsAccepted()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using (peer)
        {
            connection.Input.CancelPendingRead();
            ReadResult empty = await connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout);
            Assert.True(empty.IsCanceled && empty.Buffer.IsEmpty);
            ConnectionTest.Send(peer, "since");
            Eventually.True(() => connection.GetStatistics().BytesRead == 5, "the bytes");
            connection.Input.AdvanceTo(empty.Buffer.Start, empty.Buffer.End);
            Assert.Equal("since", await ConnectionTest.ReadTextAsync(connection.Input, 5));
            await DisposeAsync(connection);
        }
    }

    /// <summary>It went on trying after its loop's end, for as long as the listener's queue was full.</summary>
    [Fact]
    public async Task Connect_LoopEndsWhileItWaits_EndsToo()
    {
        using UnixHandle full = RawSocket.Listening(SocketPath, backlog: 0);
        using UnixHandle queued = RawSocket.Connected(SocketPath);
        UnixEventLoop loop = new();
        await loop.StartAsync().WaitAsync(TestTimeout);
        Task<UnixStreamConnection> connect = UnixStreamConnection.ConnectAsync(loop, AddressOf(SocketPath));
        Assert.False(connect.IsCompleted);
        await loop.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connect.WaitAsync(TestTimeout));
        File.Delete(SocketPath);
    }

    /// <summary>A server's log line about its client failed because that had gone.</summary>
    [Fact]
    public async Task PeerCredentials_AskedFirstWhenTheClientHasGone_AreKnown()
    {
        await using UnixStreamListener listener = await BindAsync(SocketPath);
        UnixHandle client = RawSocket.Connected(SocketPath);
        await using UnixStreamConnection connection = (await AcceptAsync(listener))!;
        client.Dispose();
        await ConnectionTest.ClosedAsync(connection);
        Eventually.True(() => connection.Socket.IsClosed, "the close");
        Assert.Equal(Environment.ProcessId, connection.PeerCredentials.ProcessId);
    }

    /// <summary>A flush that is under way makes the one before the shutdown a nested write, for which SslStream has NotSupportedException: a disposal let it through.</summary>
    [Fact]
    public async Task DisposeAsync_TlsFlushIsUnderWay_DoesNotThrowAndCloses()
    {
        (UnixHandle first, UnixHandle second) = ConnectionTest.NewSocketPair();
        await using UnixStreamConnection one = UnixStreamConnection.FromSocket(Loop, first, new() { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        await using UnixStreamConnection other = UnixStreamConnection.FromSocket(Loop, second, new() { InputHighWaterMark = 1024, InputLowWaterMark = 512 });
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Task<UnixTlsConnection> serving = other.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = made });
        UnixTlsConnection client = await one.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "test", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=test" }).WaitAsync(TestTimeout);
        await using UnixTlsConnection server = await serving.WaitAsync(TestTimeout);

        client.Output.Write(new byte[8 << 20]);
        Task flush = client.Output.FlushAsync().AsTask(); // nobody reads
        Assert.False(flush.IsCompleted);
        await client.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.True(one.Closed.IsCancellationRequested);
        await Assert.ThrowsAnyAsync<Exception>(() => flush.WaitAsync(TestTimeout));
    }

    private (UnixStreamConnection Connection, UnixHandle Peer) NewConnection()
    {
        (UnixHandle own, UnixHandle peer) = ConnectionTest.NewSocketPair();
        return (UnixStreamConnection.FromSocket(Loop, own), peer);
    }
}
