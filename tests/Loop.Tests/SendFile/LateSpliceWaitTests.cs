using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.UnixSockets;
using UnixLoop.Transports;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>A splice that a cancel had ended meanwhile took EPOLLOUT away from the write behind it, whose bytes then stayed where they were.</summary>
public sealed class LateSpliceWaitTests : ConnectionTest
{
    [Fact]
    public async Task Splice_EndedBeforeItsWaitIsSet_LeavesTheNextWriteAlone()
    {
        (UnixStreamConnection connection, UnixHandle peer) = NewConnection();
        using UnixHandle other = peer;
        await using UnixStreamConnection closing = connection;
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        using SafeFileHandle open = writeEnd;
        int sent = 0;
        while (Libc.Send(connection.Descriptor, new byte[4096]) is { IsSuccess: true } filled)
            sent += filled.IntValue;
        Task writing = Task.CompletedTask;
        BeforeTheWait output = new(connection.Output, () =>
        {
            writing = Task.Run(async () =>
            {
                pipe.Input.CancelPendingRead();
                await connection.Output.WriteAsync("!"u8.ToArray()); // queued
            });
            // As long as a cancel takes that nothing holds up; one that is held up until the wait has been set is in order.
            Task.WhenAny(writing).Wait(TimeSpan.FromSeconds(1));
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pipe.Input.CopyToAsync(output).WaitAsync(TestTimeout));
        await writing.WaitAsync(TestTimeout);

        byte[] received = Receive(other, sent + 1);
        Assert.Equal((byte)'!', received[^1]);
    }

    /// <summary>The connection's own output; the first wait that is asked of it comes after something else.</summary>
    private sealed class BeforeTheWait(PipeWriter inner, Action action) : PipeWriter, IOperableOutput
    {
        private readonly IOperableOutput _operable = (IOperableOutput)inner;
        private bool _isDone;

        UnixEventLoop IOperableOutput.Loop => _operable.Loop;

        bool IOperableOutput.IsPipe => _operable.IsPipe;

        int IOperableOutput.Descriptor => _operable.Descriptor;

        ValueTask IOperableOutput.BeginOutputOperationAsync(IOutputOperation operation, CancellationToken cancellationToken) =>
            _operable.BeginOutputOperationAsync(operation, cancellationToken);

        void IOperableOutput.WantWritable(bool wanted)
        {
            if (!_isDone)
            {
                _isDone = true;
                action();
            }
            _operable.WantWritable(wanted);
        }

        void IOperableOutput.EndOutputOperation(IOutputOperation operation, long sent, Exception? failure) =>
            _operable.EndOutputOperation(operation, sent, failure);

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
