using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>Requests of one byte, flushes, and a loop that can be held in the midst of traffic.</summary>
public abstract class CoalescingTest(UnixStreamConnectionOptions options) : OneConnectionTest(options)
{
    protected void Flush(string text, UnixStreamConnection? connection = null) =>
        Assert.True(BeginFlush(text, connection ?? Connection).IsCompletedSuccessfully);

    private protected static Task<FlushResult> BeginFlush(string text, UnixStreamConnection connection, CancellationToken cancellationToken = default)
    {
        Encoding.ASCII.GetBytes(text, connection.Output.GetSpan(text.Length));
        connection.Output.Advance(text.Length);
        return connection.Output.FlushAsync(cancellationToken).AsTask();
    }

    /// <summary>What has been sent by now.</summary>
    private protected string ReceiveNow(UnixHandle? peer = null)
    {
        byte[] buffer = new byte[64 * 1024];
        PosixResult received = Libc.Receive((peer ?? Peer).Descriptor, buffer);
        return received.Errno == EAGAIN ? "" : Encoding.ASCII.GetString(buffer, 0, PosixError.ThrowIfError(received, "recv"));
    }

    /// <summary>The peer sends requests of one byte in one message, and the first is taken.</summary>
    private protected static void TakeRequestOf(UnixStreamConnection connection, UnixHandle peer, int sent)
    {
        Send(peer, new string('r', sent));
        TakeRequest(connection);
    }

    /// <summary>Without a callback, whose end would send what the test flushes.</summary>
    private protected static void TakeRequest(UnixStreamConnection connection)
    {
        ReadResult read = default;
        Eventually.True(() => connection.Input.TryRead(out read), "a request");
        SequencePosition end = read.Buffer.GetPosition(1);
        connection.Input.AdvanceTo(end, end);
    }

    /// <summary>Of what has been received already: a send is counted after it has returned.</summary>
    protected void AssertWrites(long expected)
    {
        Eventually.True(() => Connection.GetStatistics().Writes >= expected, "the count of sends");
        Assert.Equal(expected, Connection.GetStatistics().Writes);
    }

    /// <summary>Bytes have long ceased to come.</summary>
    protected void AtRest() => Eventually.True(() => Loop.GetStatistics().Timers == 0, "the loop at rest");

    /// <summary>The loop expects flushes of the connections, as while bytes come for each, and does nothing until this is disposed.</summary>
    protected sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim _go = new();
        private readonly ManualResetEventSlim _holds = new();

        public Held(params UnixStreamConnection[] busy)
        {
            UnixEventLoop loop = busy[0].Loop;
            loop.Post(() =>
            {
                foreach (UnixStreamConnection connection in busy)
                    DeferredOutputs.Of(loop).OpenOnLoop((SocketOutput)connection.Output);
                _holds.Set();
                _go.Wait();
            });
            Assert.True(_holds.Wait(TestTimeout), "the loop was not held");
        }

        public void Dispose() => _go.Set();
    }
}
