using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace UnixLoop.Hosting.Kestrel.Connections;

/// <summary>The connection's input, with the exception that Kestrel knows for a peer that has gone in the midst of things.</summary>
internal sealed class TransportReader(PipeReader input) : PipeReader
{
    private const int ConnectionReset = 104; // ECONNRESET

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = input.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? read : TranslateAsync(read);
    }

    public override bool TryRead(out ReadResult result)
    {
        try
        {
            return input.TryRead(out result);
        }
        catch (IOException e) when (IsReset(e))
        {
            throw new ConnectionResetException(e.Message, e);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => input.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => input.CancelPendingRead();

    public override void Complete(Exception? exception = null) => input.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<ReadResult> TranslateAsync(ValueTask<ReadResult> read)
    {
        try
        {
            return await read.ConfigureAwait(false);
        }
        catch (IOException e) when (IsReset(e))
        {
            throw new ConnectionResetException(e.Message, e);
        }
    }

    private static bool IsReset(IOException e) => e.HResult == ConnectionReset;
}
