using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Tls;

/// <summary>TLS over a connection, both sides ours.</summary>
public sealed class TlsTests : PairTest
{
    private static readonly X509Certificate2 ServerCertificate = NewCertificate("server.test");

    [Fact]
    public async Task Handshake_VerifiedByName_BytesGoBothWaysAndTheEndIsTold()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        string? verified = null;
        SslClientAuthenticationOptions trusting = Client("server.test");
        trusting.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            verified = certificate!.Subject;
            return (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0;
        };
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, trusting, Server());
        Assert.Equal("CN=server.test", verified);
        Assert.True(client.Stream.IsEncrypted);

        await client.Output.WriteAsync("secret"u8.ToArray());
        Assert.Equal("secret", await ReadTextAsync(server, 6));
        await server.Stream.WriteAsync("answer"u8.ToArray());
        byte[] buffer = new byte[6];
        await client.Stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(TestTimeout);

        await client.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.True((await server.Input.ReadAsync().AsTask().WaitAsync(TestTimeout)).IsCompleted);
        await server.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Assert.True(other.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task Writes_OfOneCallback_AreLeftForOneSend()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(new() { CoalesceFlushes = true });
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
        bool areLeft = false;
        // The answer may come later than the millisecond for which the loop stands by, if the thread was kept from running.
        for (int attempt = 0; attempt < 200 && !areLeft; attempt++)
        {
            Task answered = AnswerAsync();
            await client.Stream.WriteAsync("r"u8.ToArray());
            await client.Stream.ReadExactlyAsync(new byte[8]).AsTask().WaitAsync(TestTimeout);
            await answered.WaitAsync(TestTimeout);
        }
        Assert.True(areLeft);

        async Task AnswerAsync()
        {
            await server.Stream.ReadExactlyAsync(new byte[1]).ConfigureAwait(false);
            long before = other.GetStatistics().Writes;
            await server.Stream.WriteAsync("head"u8.ToArray()).ConfigureAwait(false);
            await server.Stream.WriteAsync("body"u8.ToArray()).ConfigureAwait(false);
            areLeft |= other.GetStatistics().Writes == before;
        }
    }

    [Fact]
    public async Task Handshake_MebibytesOverSmallMarks_AllArrive()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
        byte[] data = RandomNumberGenerator.GetBytes(4 * 1024 * 1024);
        Task writing = client.Stream.WriteAsync(data).AsTask();
        byte[] got = new byte[data.Length];
        await server.Stream.ReadExactlyAsync(got).AsTask().WaitAsync(TestTimeout);
        await writing.WaitAsync(TestTimeout);
        Assert.Equal(data, got);
    }

    [Fact]
    public async Task File_CopiedBetweenWrites_KeepsTheOrder()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
        byte[] content = RandomNumberGenerator.GetBytes(1024 * 1024);
        string path = Path.GetTempFileName();
        await File.WriteAllBytesAsync(path, content);
        Task sending = Task.Run(async () =>
        {
            await using FileStream file = File.OpenRead(path);
            await client.Stream.WriteAsync("before"u8.ToArray());
            await file.CopyToAsync(client.Stream);
            await client.Stream.WriteAsync("after"u8.ToArray());
            await client.DisposeAsync();
        });
        var all = new MemoryStream();
        await server.Stream.CopyToAsync(all).WaitAsync(TestTimeout);
        await sending.WaitAsync(TestTimeout);
        File.Delete(path);
        Assert.Equal([.. "before"u8, .. content, .. "after"u8], all.ToArray());
    }

    [Fact]
    public async Task Handshake_CertificateNotTrusted_FailsBothSidesAndClosesBoth()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        Task<UnixTlsConnection> client = one.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "server.test" });
        Task<UnixTlsConnection> server = other.AuthenticateAsServerAsync(Server());
        await Assert.ThrowsAsync<AuthenticationException>(() => client.WaitAsync(TestTimeout));
        Assert.True(one.Closed.IsCancellationRequested);
        try
        {
            // In TLS 1.3 the server may be done before the client looks at the certificate: it learns of it by its first read.
            await using UnixTlsConnection connected = await server.WaitAsync(TestTimeout);
            await Assert.ThrowsAnyAsync<IOException>(async () => await connected.Stream.ReadExactlyAsync(new byte[1]));
        }
        catch (AuthenticationException)
        {
        }
        catch (IOException)
        {
        }
        Eventually.True(() => other.Closed.IsCancellationRequested, "the server's connection is closed");
    }

    [Fact]
    public async Task Handshake_ClientCertificate_ReachesTheServer()
    {
        using X509Certificate2 mine = NewCertificate("client.test");
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        SslClientAuthenticationOptions client = Client("");
        client.ClientCertificates = [mine];
        client.LocalCertificateSelectionCallback = (_, _, certificates, _, _) => certificates[0];
        SslServerAuthenticationOptions server = Server();
        server.ClientCertificateRequired = true;
        server.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=client.test";
        (UnixTlsConnection _, UnixTlsConnection accepted) = await HandshakeAsync(one, other, client, server);
        Assert.Equal("CN=client.test", accepted.Stream.RemoteCertificate!.Subject);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Handshake_PeerSaysNothing_TimesOut(bool isClient)
    {
        (UnixStreamConnection one, UnixStreamConnection _) = Pair();
        UnixTlsOptions options = new() { HandshakeTimeout = TimeSpan.FromMilliseconds(50) };
        Task<UnixTlsConnection> handshake = isClient ? one.AuthenticateAsClientAsync(Client(""), options) : one.AuthenticateAsServerAsync(Server(), options);
        await Assert.ThrowsAsync<TimeoutException>(() => handshake.WaitAsync(TestTimeout));
        Assert.True(one.Closed.IsCancellationRequested);
    }

    /// <summary>It was an ArgumentException of SslStream's, which nobody expects who has a connection that its peer has closed.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Handshake_PeerHasGoneBefore_IsALostConnection(bool isClient)
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        await other.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await ConnectionTest.ClosedAsync(one);
        Task<UnixTlsConnection> handshake = isClient ? one.AuthenticateAsClientAsync(Client("")) : one.AuthenticateAsServerAsync(Server());
        await Assert.ThrowsAsync<IOException>(() => handshake.WaitAsync(TestTimeout));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Handshake_ConnectionDisposed_SaysSo(bool isClient)
    {
        (UnixStreamConnection one, UnixStreamConnection _) = Pair();
        await one.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        Task<UnixTlsConnection> handshake = isClient ? one.AuthenticateAsClientAsync(Client("")) : one.AuthenticateAsServerAsync(Server());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => handshake.WaitAsync(TestTimeout));
    }

    [Fact]
    public async Task Handshake_Cancelled_ThrowsWithThatToken()
    {
        (UnixStreamConnection one, UnixStreamConnection _) = Pair();
        using var cancel = new CancellationTokenSource();
        Task<UnixTlsConnection> handshake = one.AuthenticateAsClientAsync(Client(""), cancellationToken: cancel.Token);
        cancel.Cancel();
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handshake.WaitAsync(TestTimeout, CancellationToken.None));
        Assert.Equal(cancel.Token, e.CancellationToken);
        Assert.True(one.Closed.IsCancellationRequested);
    }

    [Fact]
    public async Task Dispose_PeerNeverReads_IsBoundedByTheTimeouts()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(new UnixStreamConnectionOptions { InputHighWaterMark = 0, InputLowWaterMark = 0, CloseTimeout = TimeSpan.FromMilliseconds(50) });
        (UnixTlsConnection client, UnixTlsConnection _) = await HandshakeAsync(
            one, other, Client(""), Server(), new UnixTlsOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(50) });
        Task writing = client.Stream.WriteAsync(new byte[8 * 1024 * 1024]).AsTask();
        Assert.False(writing.IsCompleted);
        await client.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAnyAsync<Exception>(() => writing.WaitAsync(TestTimeout));
        Assert.True(one.Closed.IsCancellationRequested);
    }

    /// <summary>A stream that its user had shut down, or disposed, made the disposal abort the connection, and what was still queued was lost.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task Dispose_StreamWasEndedByItsUser_SendsWhatIsQueued(bool isShutDown)
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair(new UnixStreamConnectionOptions { OutputHighWaterMark = 1024 * 1024 }, reads: false);
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
        byte[] data = RandomNumberGenerator.GetBytes(768 * 1024);
        await client.Stream.WriteAsync(data).AsTask().WaitAsync(TestTimeout); // more than the sockets hold
        if (isShutDown)
            await client.Stream.ShutdownAsync().WaitAsync(TestTimeout);
        else
            await client.Stream.DisposeAsync();
        Task disposal = client.DisposeAsync().AsTask();
        byte[] got = new byte[data.Length];
        await server.Stream.ReadExactlyAsync(got).AsTask().WaitAsync(TestTimeout);
        await disposal.WaitAsync(TestTimeout);
        Assert.Equal(data, got);
    }

    [Fact]
    public async Task WrongArguments_LeaveTheConnectionUsable()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        await Assert.ThrowsAsync<ArgumentException>(() => one.AuthenticateAsClientAsync(new SslClientAuthenticationOptions()));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => one.AuthenticateAsClientAsync(Client(""), new UnixTlsOptions { HandshakeTimeout = TimeSpan.Zero }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => one.AuthenticateAsServerAsync(Server(), new UnixTlsOptions { ShutdownTimeout = TimeSpan.FromSeconds(-1) }));
        await one.Output.WriteAsync("plain"u8.ToArray());
        Assert.Equal("plain", await ReadTextAsync(other, 5));
    }

    /// <summary>The BCL's writer was completed while it flushed, which it does not allow for: both wrote its segments.</summary>
    [Fact]
    public async Task Dispose_WhileAFlushMovesOn_EndsBoth()
    {
        for (int i = 0; i < 60; i++)
        {
            (UnixStreamConnection one, UnixStreamConnection other) = Pair();
            (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
            Task<Exception?> read = Record.ExceptionAsync(() => server.Stream.CopyToAsync(Stream.Null)).AsTask();
            client.Output.Write(new byte[1 << 20]);
            Task<Exception?> flushed = Record.ExceptionAsync(() => client.Output.FlushAsync().AsTask()).AsTask();
            await Task.Run(() => client.DisposeAsync().AsTask()).WaitAsync(TestTimeout);
            await flushed.WaitAsync(TestTimeout);
            await read.WaitAsync(TestTimeout);
            await server.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task Flush_WhileAnotherIsUnderWay_IsRefusedAndLeavesThatAlone()
    {
        (UnixStreamConnection one, UnixStreamConnection other) = Pair();
        (UnixTlsConnection client, UnixTlsConnection server) = await HandshakeAsync(one, other, Client(""), Server());
        const int Length = 4 << 20;
        client.Output.Write(new byte[Length]);
        Task flush = client.Output.FlushAsync().AsTask(); // nobody reads yet
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Output.FlushAsync().AsTask());
        Assert.Throws<InvalidOperationException>(() => client.Output.Complete());
        await server.Stream.ReadExactlyAsync(new byte[Length]).AsTask().WaitAsync(TestTimeout);
        await flush.WaitAsync(TestTimeout);
        await client.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.Output.FlushAsync().AsTask());
        await server.DisposeAsync().AsTask().WaitAsync(TestTimeout);
    }

    private async Task<(UnixTlsConnection Client, UnixTlsConnection Server)> HandshakeAsync(
        UnixStreamConnection one, UnixStreamConnection other, SslClientAuthenticationOptions client, SslServerAuthenticationOptions server, UnixTlsOptions? options = null)
    {
        Task<UnixTlsConnection> connecting = one.AuthenticateAsClientAsync(client, options);
        Task<UnixTlsConnection> accepting = other.AuthenticateAsServerAsync(server, options);
        await Task.WhenAll(connecting, accepting).WaitAsync(TestTimeout);
        return (Keep(await connecting), Keep(await accepting));
    }

    private static SslClientAuthenticationOptions Client(string host) =>
        new() { TargetHost = host, RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate?.Subject == ServerCertificate.Subject };

    private static SslServerAuthenticationOptions Server() => new() { ServerCertificate = ServerCertificate };

    private static X509Certificate2 NewCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
