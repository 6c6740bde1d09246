using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary><see cref="UnixStreamConnectionOptions.CoalesceFlushes"/> with <see cref="PipeScheduler.Inline"/>: what the reading code flushes on the loop goes out when it returns.</summary>
public sealed class InlineCoalescingTests : ConnectionTest, IAsyncLifetime
{
    private UnixStreamConnection _connection = null!;
    private UnixHandle _peer = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_connection, _peer) = NewConnection(new() { CoalesceFlushes = true, Scheduler = PipeScheduler.Inline });
    }

    public override async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _peer.Dispose();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Flushes_OfOneCallback_AreOneSend()
    {
        Task answered = OnReadAsync(() =>
        {
            Assert.True(Loop.IsOnLoopThread);
            Flush("head");
            Flush("body");
            Assert.Equal(0, _connection.GetStatistics().Writes);
        });
        Send(_peer, "r");
        Assert.Equal("headbody", ReceiveText(_peer, 8));
        await answered.WaitAsync(TestTimeout);
        await SettleAsync(); // a send is counted after it has returned
        Assert.Equal(1, _connection.GetStatistics().Writes);
    }

    /// <summary>Code that goes away to wait does not take its flush with it.</summary>
    [Fact]
    public async Task Flush_BeforeAnAwait_IsSent_AndAfterItAtOnce()
    {
        TaskCompletionSource more = NewSignal();
        Task answered = AnswerAsync();
        Send(_peer, "r");
        Assert.Equal("head", ReceiveText(_peer, 4));
        more.SetResult();
        await answered.WaitAsync(TestTimeout);
        Assert.Equal("body", ReceiveText(_peer, 4));
        Assert.Equal(2, _connection.GetStatistics().Writes);

        async Task AnswerAsync()
        {
            await ReadAsync();
            Flush("head");
            await more.Task.ConfigureAwait(false);
            Flush("body");
        }
    }

    [Fact]
    public async Task Flush_OfAnotherThreadDuringTheCallback_SendsItself()
    {
        Task answered = OnReadAsync(() =>
        {
            var other = new Thread(() => Flush("elsewhere"));
            other.Start();
            Assert.True(other.Join(TestTimeout));
            Assert.Equal(1, _connection.GetStatistics().Writes);
        });
        Send(_peer, "r");
        Assert.Equal("elsewhere", ReceiveText(_peer, 9));
        await answered.WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Flush_ToAnotherConnection_SendsItself()
    {
        (UnixStreamConnection other, UnixHandle peer) = NewConnection(new() { CoalesceFlushes = true, Scheduler = PipeScheduler.Inline });
        await using (other)
        using (peer)
        {
            Task answered = OnReadAsync(() =>
            {
                Flush("there", other);
                Assert.Equal(1, other.GetStatistics().Writes);
            });
            Send(_peer, "r");
            await answered.WaitAsync(TestTimeout);
            Assert.Equal("there", ReceiveText(peer, 5));
        }
    }

    [Fact]
    public async Task Callback_ThatThrows_SendsWhatItFlushed()
    {
        Loop.UnhandledException += static _ => { };
        OnReadOf(_connection.Input.ReadAsync(), () =>
        {
            Flush("one");
            throw new InvalidOperationException("of the test");
        });
        Send(_peer, "r");
        Assert.Equal("one", ReceiveText(_peer, 3));
        await SettleAsync();
        Assert.Equal(1, Loop.GetStatistics().UnhandledExceptions);
    }

    /// <summary>Code that has gone on elsewhere coalesces its answers as on the pool; where nothing is left for it, the loop has no timer to set.</summary>
    [Theory]
    [InlineData(2, true)]
    [InlineData(1, false)]
    public async Task Callback_ThatLeavesRequests_MakesTheLoopExpectFlushes(int requests, bool expected)
    {
        bool isSeen = false;
        // The timer may be over when the post looks, if the thread was kept from running between the two.
        for (int attempt = 0; attempt < 100 && !isSeen; attempt++)
        {
            TaskCompletionSource seen = NewSignal();
            Task answered = AnswerAsync(seen);
            Send(_peer, new string('r', requests));
            await seen.Task.WaitAsync(TestTimeout);
            await answered.WaitAsync(TestTimeout);
            await Task.Yield();
            if (requests > 1)
                _connection.Input.AdvanceTo((await _connection.Input.ReadAsync().AsTask().WaitAsync(TestTimeout)).Buffer.End);
        }
        Assert.Equal(expected, isSeen);

        async Task AnswerAsync(TaskCompletionSource seen)
        {
            ReadResult read = await _connection.Input.ReadAsync().ConfigureAwait(false);
            SequencePosition end = read.Buffer.GetPosition(1);
            _connection.Input.AdvanceTo(end, end);
            // In the same turn, after this callback.
            Loop.Post(() =>
            {
                isSeen |= Loop.GetStatistics().Timers == 1;
                seen.SetResult();
            });
        }
    }

    private static void OnReadOf(ValueTask<ReadResult> read, Action answer) => read.ConfigureAwait(false).GetAwaiter().OnCompleted(answer);

    private async Task OnReadAsync(Action answer)
    {
        await ReadAsync();
        answer();
    }

    private async Task ReadAsync()
    {
        ReadResult read = await _connection.Input.ReadAsync().ConfigureAwait(false);
        _connection.Input.AdvanceTo(read.Buffer.End);
    }

    private void Flush(string text, UnixStreamConnection? connection = null)
    {
        PipeWriter writer = (connection ?? _connection).Output;
        Encoding.ASCII.GetBytes(text, writer.GetSpan(text.Length));
        writer.Advance(text.Length);
        ValueTask<FlushResult> flush = writer.FlushAsync();
        Assert.True(flush.IsCompletedSuccessfully);
    }
}
