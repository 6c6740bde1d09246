using System.IO.Pipelines;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Transports.Pipes;

/// <summary>What the user reads from. Completing it closes the descriptor at once, so that the writer gets EPIPE and not a full pipe.</summary>
/// <param name="inner">The reading end of the pump's pipe.</param>
/// <param name="pump">Fills it.</param>
/// <param name="owner">Kept alive for as long as the reader is: the finalizer of a forgotten subprocess closes its pipes.</param>
internal sealed class PumpedPipeReader(PipeReader inner, IPump pump, object owner) : PipeReader
{
    private readonly object _owner = owner;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => inner.ReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) =>
        inner.ReadAtLeastAsync(minimumSize, cancellationToken);

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead()
    {
        if (pump is not ReadPump pipe || !pipe.TryCancelBorrowersRead())
            inner.CancelPendingRead();
    }

    /// <summary>Inside the kernel (splice(2)) where the pipe is one and the writer is a Unix connection's or another pipe's; else by copying.</summary>
    public override async Task CopyToAsync(PipeWriter destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (pump is ReadPump pipe && await SpliceTransfer.TryCopyAsync(inner, pipe, destination, cancellationToken).ConfigureAwait(false))
            return;
        await PipeCopy.CopyAsync(inner, destination, cancellationToken).ConfigureAwait(false);
    }

    public override void Complete(Exception? exception = null)
    {
        pump.Close(null);
        inner.Complete();
    }

    public override string ToString() => $"PipeReader of {_owner}: {pump}";
}
