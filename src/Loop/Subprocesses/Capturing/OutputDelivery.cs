using System.IO.Pipelines;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Brings one output stream of a run to the caller's target, on the thread pool. A target that fails ends the run; one that
/// returns early closes the pipe.
/// </summary>
internal sealed class OutputDelivery(SubprocessServices services, SubprocessOutput target, LineFormat format)
{
    private readonly PipeReadSink _sink = new(services.Loop);

    internal IReadSink Sink => _sink;

    /// <summary>Ends when the target has had everything; never with an exception.</summary>
    internal async Task DeliverAsync(ReadPump pump, EarlyStop early, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        PipeReader reader = new PumpedPipeReader(_sink.Reader, pump, this);
        try
        {
            await target.DeliverAsync(reader, format, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The run has been cancelled, or has failed before: that is what it says.
        }
        catch (Exception e)
        {
            early.FailTarget(e);
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }
}
