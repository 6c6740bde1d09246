using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Conformance;

public sealed partial class Http1Tests : KestrelTest
{
    private const string Get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    [Theory, Transports]
    public async Task Requests_OnOneConnection_OneAfterTheOther(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        for (int i = 0; i < 100; i++)
        {
            await client.SendAsync(Get);
            Assert.StartsWith("HTTP/1.1 200", await client.ReceiveUntilAsync("hello"), StringComparison.Ordinal);
        }
    }

    [Theory, Transports]
    public async Task Requests_Pipelined_AreAllAnswered(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        for (int round = 0; round < 50; round++)
        {
            await client.SendAsync(string.Concat(Enumerable.Repeat(Get, 16)));
            string answers = "";
            while (Hellos.Count(answers) < 16)
                answers += await client.ReceiveUntilAsync("hello");
            Assert.Equal(16, Hellos.Count(answers));
        }
    }

    /// <summary>The requests come together; the second one's code takes its time, and the first answer must not wait for it.</summary>
    [Theory, Transports]
    public async Task Requests_Pipelined_TheFirstAnswerDoesNotWaitForTheSecond(Transport transport)
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            // On the loop's own thread nobody may block; elsewhere code may.
            if (context.Request.Path == "/slow" && transport == Transport.LoopInline)
                await go.Task;
            else if (context.Request.Path == "/slow")
                Assert.True(go.Task.Wait(TestTimeout));
            await context.Response.WriteAsync(context.Request.Path == "/slow" ? "slow" : "fast");
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await client.ReceiveUntilAsync("0\r\n\r\n");
        await client.SendAsync(Get + Get.Replace("/ ", "/slow ", StringComparison.Ordinal));
        await client.ReceiveUntilAsync("fast");
        go.SetResult();
        await client.ReceiveUntilAsync("slow");
    }

    /// <summary>A flush in the midst of an answer is on its way although the answer goes on, and although a further request waits behind it.</summary>
    [Theory, Transports]
    public async Task Flush_OfAPart_IsSentBeforeTheRest(Transport transport)
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            foreach (string part in (string[])["first", "second"])
            {
                await context.Response.WriteAsync(part);
                await context.Response.Body.FlushAsync();
                await go.Task;
            }
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get + Get);
        await client.ReceiveUntilAsync("first");
        go.SetResult();
        string rest = "";
        while (rest.Split("second").Length <= 2)
            rest += await client.ReceiveUntilAsync("\r\n");
    }

    /// <summary>Not on the loop's own thread, which nobody may block.</summary>
    [Theory]
    [InlineData(Transport.Default)]
    [InlineData(Transport.Loop)]
    public async Task Flush_OfAPart_IsSentWhileItsHandlerBlocks(Transport transport)
    {
        using ManualResetEventSlim go = new();
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            await context.Response.WriteAsync("first");
            await context.Response.Body.FlushAsync();
            Assert.True(go.Wait(TestTimeout), "the part was not sent");
            await context.Response.WriteAsync("second");
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync(Get);
            await client.ReceiveUntilAsync("first");
            go.Set();
            await client.ReceiveUntilAsync("0\r\n\r\n");
            go.Reset();
        }
    }

    /// <summary>The request comes byte by byte, and the second begins in the same send as the first one's end.</summary>
    [Theory, Transports]
    public async Task Requests_InPieces_AreAnswered(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        foreach (char character in Get[..^1])
            await client.SendAsync(character.ToString());
        await client.SendAsync("\n" + Get[..10]);
        await client.ReceiveUntilAsync("hello");
        await client.SendAsync(Get[10..]);
        await client.ReceiveUntilAsync("hello");
    }

    [Theory, Transports]
    public async Task Upload_Large_ToASlowServer_ArrivesWhole(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, static app => app.Run(async context =>
        {
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (int reads = 0; ; reads++)
            {
                ReadResult read = await context.Request.BodyReader.ReadAsync();
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                    hash.AppendData(piece.Span);
                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
                if (reads % 64 == 0)
                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
            }
            await context.Response.WriteAsync(Convert.ToHexString(hash.GetHashAndReset()));
        }));
        byte[] body = new byte[32 << 20];
        Random.Shared.NextBytes(body);
        using HttpClient client = UnixHttp.Client(server.Path);
        using ByteArrayContent content = new(body);
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/", UriKind.Relative), content);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(body)), await answer.Content.ReadAsStringAsync());
    }

    [Theory, Transports]
    public async Task Download_Large_ToASlowClient_ArrivesWhole(Transport transport)
    {
        const int Total = 32 << 20;
        await using TestServer server = await TestServer.StartAsync(transport, static app => app.Run(async context =>
        {
            context.Response.ContentLength = Total;
            byte[] block = [.. Enumerable.Range(0, 65_536).Select(i => (byte)(i >> 3))];
            for (int sent = 0; sent < Total; sent += block.Length)
                await context.Response.Body.WriteAsync(block);
        }));
        using HttpClient client = UnixHttp.Client(server.Path);
        using HttpResponseMessage answer = await client.GetAsync(new Uri("/", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await answer.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[50_000];
        int have = 0;
        for (int got; (got = await body.ReadAsync(buffer).AsTask().WaitAsync(TestTimeout)) > 0; have += got)
        {
            for (int i = 0; i < got; i++)
                Assert.True(buffer[i] == (byte)((have + i) % 65_536 >> 3), $"byte {have + i}");
            if (have % 20 == 0)
                await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, CancellationToken.None);
        }
        Assert.Equal(Total, have);
    }

    [Theory, Transports]
    public async Task Client_GoesAway_TheRequestIsAborted(Transport transport)
    {
        TaskCompletionSource began = new();
        TaskCompletionSource aborted = new();
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            context.RequestAborted.Register(aborted.SetResult);
            began.SetResult();
            await aborted.Task.WaitAsync(TestTimeout);
        }));
        using (RawClient client = await RawClient.ConnectAsync(server.Path))
        {
            await client.SendAsync(Get);
            await began.Task.WaitAsync(TestTimeout);
        }
        await aborted.Task.WaitAsync(TestTimeout);
    }

    /// <summary>Not with Kestrel's own sockets, where it cancels the request (docs/kestrel.md).</summary>
    [Theory]
    [InlineData(Transport.Loop)]
    [InlineData(Transport.LoopInline)]
    public async Task Client_HalfCloses_TheAnswerIsStillSent(Transport transport)
    {
        TaskCompletionSource began = new();
        TaskCompletionSource finish = new();
        await using TestServer server = await TestServer.StartAsync(transport, app => app.Run(async context =>
        {
            began.SetResult();
            await finish.Task.WaitAsync(TestTimeout);
            await context.Response.WriteAsync($"aborted: {context.RequestAborted.IsCancellationRequested}");
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await began.Task.WaitAsync(TestTimeout);
        client.Finish();
        finish.SetResult();
        Assert.Contains("aborted: False", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory, Transports]
    public async Task Server_AbortsARequest_TheClientSeesTheEnd(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, static app => app.Run(static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        }));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory, Transports]
    public async Task Garbage_Gets400AndTheEnd(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync("\0\x01garbage\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory, Transports]
    public async Task Timeout_KeepAlive_EndsAnIdleConnection(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello, kestrel: static options => options.Limits.KeepAliveTimeout = Short);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await client.ReceiveUntilAsync("hello");
        Assert.Equal("", await client.ReceiveAllAsync());
    }

    [Theory, Transports]
    public async Task Timeout_RequestHeaders_Gets408(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Hello, kestrel: static options => options.Limits.RequestHeadersTimeout = Short);
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get[..20]);
        Assert.StartsWith("HTTP/1.1 408", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory, Transports]
    public async Task Timeout_RequestBodyTooSlow_Gets408(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(
            transport,
            static app => app.Run(static context => context.Request.Body.CopyToAsync(Stream.Null)),
            kestrel: static options => options.Limits.MinRequestBodyDataRate = new MinDataRate(10_000, TimeSpan.FromSeconds(1.1)));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nslow");
        Assert.StartsWith("HTTP/1.1 408", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    [Theory, Transports]
    public async Task Timeout_ResponseTakenTooSlowly_AbortsTheRequest(Transport transport)
    {
        TaskCompletionSource aborted = new();
        await using TestServer server = await TestServer.StartAsync(
            transport,
            app => app.Run(async context =>
            {
                context.RequestAborted.Register(aborted.SetResult);
                byte[] block = new byte[1 << 20];
                while (!context.RequestAborted.IsCancellationRequested)
                    await context.Response.Body.WriteAsync(block);
            }),
            kestrel: static options => options.Limits.MinResponseDataRate = new MinDataRate(50_000_000, TimeSpan.FromSeconds(1.1)));
        using RawClient client = await RawClient.ConnectAsync(server.Path);
        await client.SendAsync(Get);
        await aborted.Task.WaitAsync(TestTimeout);
    }

    internal static void Hello(WebApplication app) => app.Run(static async context =>
    {
        context.Response.ContentLength = 5;
        await context.Response.Body.WriteAsync("hello"u8.ToArray());
    });

    [GeneratedRegex("hello")]
    private static partial Regex Hellos { get; }
}
