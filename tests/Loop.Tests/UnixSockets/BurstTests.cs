using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary><see cref="UnixStreamConnectionOptions.CoalesceFlushes"/> with several busy connections: complete answers to pipelined requests are sent one right after the other.</summary>
public sealed class BurstTests() : CoalescingTest(s_options)
{
    private static readonly UnixStreamConnectionOptions s_options = new() { CoalesceFlushes = true };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answers_OfABusyConnectionAmongOthers_AreOneSend_NotTheTimers(bool readsOn)
    {
        (UnixStreamConnection other, UnixHandle otherPeer) = NewConnection(s_options);
        await using (other)
        using (otherPeer)
        {
            Held? held = null;
            try
            {
                Task callback = AnswerAsync();
                Send(Peer, "rr");
                Assert.Equal("onetwo", ReceiveText(Peer, 6)); // while the loop does nothing
                AssertWrites(1);
                Connection.Input.CancelPendingRead();
                await callback.WaitAsync(TestTimeout);
            }
            finally
            {
                held?.Dispose();
            }

            async Task AnswerAsync()
            {
                ReadResult read = await Connection.Input.ReadAsync().ConfigureAwait(false);
                SequencePosition second = read.Buffer.GetPosition(1);
                Connection.Input.AdvanceTo(second, second);
                held = new Held(Connection, other);
                Flush("one");
                Assert.True(Connection.Input.TryRead(out read));
                Connection.Input.AdvanceTo(read.Buffer.End);
                Flush("two");
                if (readsOn)
                    await Connection.Input.ReadAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>That is no pipelined one: nothing is to be waited for.</summary>
    [Fact]
    public async Task Answer_OfOneRequestInTwoParts_IsSentAtOnce()
    {
        (UnixStreamConnection other, UnixHandle otherPeer) = NewConnection(s_options);
        await using (other)
        using (otherPeer)
        {
            Task<string> answering = AnswerAsync();
            Send(Peer, "r");
            Assert.Equal("headbody", await answering.WaitAsync(TestTimeout));
        }

        async Task<string> AnswerAsync()
        {
            ReadResult read = await Connection.Input.ReadAsync().ConfigureAwait(false);
            Connection.Input.AdvanceTo(read.Buffer.End);
            using Held held = new(Connection, other);
            Flush("head");
            Flush("body");
            Task next = Connection.Input.ReadAsync().AsTask();
            string sent = ReceiveNow();
            Connection.Input.CancelPendingRead();
            await next.ConfigureAwait(false);
            return sent;
        }
    }

    /// <summary>Each answer in its place, whoever sends it.</summary>
    [Fact]
    public async Task Traffic_OfManyPipeliningConnections_LosesNothing()
    {
        const int Clients = 16;
        const int Rounds = 300;
        const int Depth = 16;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(ExchangeAsync))).WaitAsync(TestTimeout);

        async Task ExchangeAsync()
        {
            (UnixHandle own, UnixHandle peer) = NewSocketPair();
            await using UnixStreamConnection server = UnixStreamConnection.FromSocket(Loop, own, s_options);
            await using UnixStreamConnection client = UnixStreamConnection.FromSocket(Loop, peer);
            Task serving = ServeAsync(server);
            byte[] requests = new byte[Depth];
            for (int round = 0; round < Rounds; round++)
            {
                for (int i = 0; i < Depth; i++)
                    requests[i] = (byte)('a' + ((round + i) % 26));
                await client.Output.WriteAsync(requests);
                Assert.Equal(string.Concat(requests.Select(static r => $"<{(char)r}>")), await ReadTextAsync(client.Input, Depth * 3));
            }
            await client.Output.CompleteAsync();
            await serving;
        }
    }

    /// <summary>The end comes while answers wait for the burst, or before, or after: what the peer gets is whole answers in their order.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_WhileAnswersWait_LeavesWholeAnswers(bool isAbort)
    {
        for (int round = 0; round < 200; round++)
        {
            (UnixStreamConnection connection, UnixHandle peer) = NewConnection(s_options);
            using (peer)
            {
                Task serving = ServeAsync(connection);
                Send(Peer, "r"); // the other busy one
                Send(peer, "abcdefgh");
                if (isAbort)
                    connection.Abort(new InvalidOperationException("of the test"));
                await connection.DisposeAsync().AsTask().WaitAsync(TestTimeout);
                await serving.WaitAsync(TestTimeout);
                string answers = ReceiveAll(peer);
                Assert.Equal("<a><b><c><d><e><f><g><h>"[..answers.Length], answers);
                Assert.True(answers.Length % 3 == 0, answers);
            }
        }
    }

    /// <summary>All that has been sent before the end, which is ECONNRESET where the connection had requests left (unix(7)).</summary>
    private static string ReceiveAll(UnixHandle peer)
    {
        var all = new StringBuilder();
        byte[] buffer = new byte[100];
        PosixResult received;
        while ((received = Libc.Receive(peer.Descriptor, buffer)).Value > 0)
            all.Append(Encoding.ASCII.GetString(buffer, 0, received.IntValue));
        Assert.True(received.IsSuccess || received.Errno == ECONNRESET, $"{received}");
        return all.ToString();
    }

    /// <summary>Answers each byte with three, by a flush for each.</summary>
    private static async Task ServeAsync(UnixStreamConnection connection)
    {
        try
        {
            while (true)
            {
                ReadResult read = await connection.Input.ReadAsync().ConfigureAwait(false);
                if (read.Buffer.IsEmpty && read.IsCompleted)
                    break;
                // As a parser does, one request at a time.
                SequencePosition next = read.Buffer.GetPosition(1);
                byte request = read.Buffer.FirstSpan[0];
                connection.Input.AdvanceTo(next, next);
                Encoding.ASCII.GetBytes($"<{(char)request}>", connection.Output.GetSpan(3));
                connection.Output.Advance(3);
                await connection.Output.FlushAsync().ConfigureAwait(false);
            }
            await connection.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ObjectDisposedException)
        {
            // The end that the test makes.
        }
    }
}
