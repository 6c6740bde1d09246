using System.Buffers;
using System.IO.Pipelines;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>A connection as a stream: what streams ask of their readers and writers holds, a read of zero bytes waits for data, and disposing closes the connection.</summary>
internal sealed class ConnectionStream(UnixStreamConnection connection) : Stream
{
    /// <summary>Until the disposal, also when the peer has gone: its last bytes may be unread, and a read or a write tells of its end.</summary>
    public override bool CanRead => !connection.IsDisposed;

    public override bool CanWrite => !connection.IsDisposed;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult result = await connection.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> available = result.Buffer;
            int count = (int)Math.Min(available.Length, buffer.Length);
            available.Slice(0, count).CopyTo(buffer.Span);
            connection.Input.AdvanceTo(available.GetPosition(count));
            if (!available.IsEmpty || result.IsCompleted)
                return count;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        RefuseToBlockLoop();
        return ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Check(await connection.Output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false));

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        RefuseToBlockLoop();
        WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>Nothing is held back: a write is a flush.</summary>
    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Begins the close and does not wait for what is queued: it goes on by itself, and never throws.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _ = connection.DisposeAsync().AsTask();
        base.Dispose(disposing);
    }

    public override string ToString() => $"stream over {connection}";

    private static void Check(FlushResult flushed)
    {
        if (flushed.IsCompleted)
            throw PosixError.ToException(PosixResult.Failure(EPIPE), "write to a connection that its peer has closed");
    }

    private void RefuseToBlockLoop()
    {
        if (connection.Loop.IsOnLoopThread)
            throw new InvalidOperationException("A blocking read or write on the loop's own thread would wait for itself: use the async one.");
    }
}
