using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Conformance;

/// <summary>gRPC's four kinds of calls, client and server, over the socket.</summary>
public sealed class GrpcTests : KestrelTest
{
    [Theory, Transports]
    public async Task Calls_OfAllFourKinds(Transport transport)
    {
        await using TestServer server = await StartAsync(transport);
        using SocketsHttpHandler handler = UnixHttp.Handler(server.Path);
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
        Talk.TalkClient client = new(channel);
        DateTime deadline = DateTime.UtcNow + TestTimeout;

        Assert.Equal("hello, unix", (await client.SayAsync(new Word { Text = "unix" }, deadline: deadline)).Text);

        using AsyncServerStreamingCall<Word> count = client.Count(new Word { Number = 1000 }, deadline: deadline);
        int expected = 0;
        await foreach (Word word in count.ResponseStream.ReadAllAsync())
            Assert.Equal(expected++, word.Number);
        Assert.Equal(1000, expected);

        using AsyncClientStreamingCall<Word, Word> sum = client.Sum(deadline: deadline);
        for (int i = 1; i <= 1000; i++)
            await sum.RequestStream.WriteAsync(new Word { Number = i });
        await sum.RequestStream.CompleteAsync();
        Assert.Equal(500_500, (await sum).Number);

        using AsyncDuplexStreamingCall<Word, Word> chat = client.Chat(deadline: deadline);
        for (int i = 0; i < 100; i++)
        {
            await chat.RequestStream.WriteAsync(new Word { Text = new string('x', i * 100), Number = i });
            Assert.True(await chat.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal((i, i * 100), (chat.ResponseStream.Current.Number, chat.ResponseStream.Current.Text.Length));
        }
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Theory, Transports]
    public async Task Call_Failure_CarriesItsStatus(Transport transport)
    {
        await using TestServer server = await StartAsync(transport);
        using SocketsHttpHandler handler = UnixHttp.Handler(server.Path);
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Talk.TalkClient(channel).SayAsync(new Word { Number = -1 }, deadline: DateTime.UtcNow + TestTimeout));
        Assert.Equal((StatusCode.InvalidArgument, "no"), (refused.StatusCode, refused.Status.Detail));
    }

    private static Task<TestServer> StartAsync(Transport transport) => TestServer.StartAsync(
        transport,
        static app => app.UseRouting().UseEndpoints(static endpoints => endpoints.MapGrpcService<TalkService>()),
        static listen => listen.Protocols = HttpProtocols.Http2,
        services: static services => services.AddGrpc());

    private sealed class TalkService : Talk.TalkBase
    {
        public override Task<Word> Say(Word request, ServerCallContext context) => request.Number < 0
            ? throw new RpcException(new Status(StatusCode.InvalidArgument, "no"))
            : Task.FromResult(new Word { Text = $"hello, {request.Text}" });

        public override async Task Count(Word request, IServerStreamWriter<Word> responseStream, ServerCallContext context)
        {
            for (int i = 0; i < request.Number; i++)
                await responseStream.WriteAsync(new Word { Number = i });
        }

        public override async Task<Word> Sum(IAsyncStreamReader<Word> requestStream, ServerCallContext context)
        {
            Word sum = new();
            await foreach (Word word in requestStream.ReadAllAsync())
                sum.Number += word.Number;
            return sum;
        }

        public override async Task Chat(IAsyncStreamReader<Word> requestStream, IServerStreamWriter<Word> responseStream, ServerCallContext context)
        {
            await foreach (Word word in requestStream.ReadAllAsync())
                await responseStream.WriteAsync(word);
        }
    }
}
