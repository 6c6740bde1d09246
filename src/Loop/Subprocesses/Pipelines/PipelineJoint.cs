using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// The pipe between two members of a pipeline. Nobody of ours reads it, so nobody could find it full: it is grown at once, if the
/// budget has room (linux.md, rule 13), and counts until both members are gone.
/// </summary>
internal sealed class PipelineJoint : IDisposable
{
    private readonly PipeBudget? _budget;
    private int _returned;

    private PipelineJoint(UnixHandle readEnd, UnixHandle writeEnd, PipeBudget? budget)
    {
        ReadEnd = readEnd;
        WriteEnd = writeEnd;
        _budget = budget;
    }

    internal UnixHandle ReadEnd { get; }

    internal UnixHandle WriteEnd { get; }

    /// <param name="writer">The member on the left, whose <see cref="SubprocessStartInfo.PipeCapacity"/> counts.</param>
    /// <param name="services">Budget, log and metrics.</param>
    /// <exception cref="SubprocessStartException">There is no descriptor left.</exception>
    internal static PipelineJoint Open(SubprocessStartInfo writer, SubprocessServices services)
    {
        PosixResult opened = StreamFiles.OpenJoint(out UnixHandle? readEnd, out UnixHandle? writeEnd);
        if (opened.IsError)
        {
            SubprocessStartException failure = StartErrors.Stream(writer, 1, "pipe", opened.Errno);
            services.Metrics.StartFailed(failure.ErrorName);
            throw failure;
        }
        if (writer.PipeCapacity is not int capacity)
            return new PipelineJoint(readEnd!, writeEnd!, services.Budget.TryGrow(writeEnd!.Descriptor) ? services.Budget : null);
        PosixResult resized = Libc.Fcntl(writeEnd!.Descriptor, F_SETPIPE_SZ, capacity);
        if (resized.IsError)
            SpawnLog.PipeCapacityRefused(services.Logger, capacity, resized);
        return new PipelineJoint(readEnd!, writeEnd, null);
    }

    /// <summary>Both members have their ends: the pipe lives as long as they do.</summary>
    internal void LeaveTo(ChildProcess left, ChildProcess right)
    {
        CloseEnds();
        if (_budget is not null)
            _ = ReturnAfterAsync(left.Exited, right.Exited);
    }

    /// <summary>One of the members did not come to be.</summary>
    public void Dispose()
    {
        CloseEnds();
        Return();
    }

    private void CloseEnds()
    {
        ReadEnd.Dispose();
        WriteEnd.Dispose();
    }

    private async Task ReturnAfterAsync(Task left, Task right)
    {
        await left.ConfigureAwait(false);
        await right.ConfigureAwait(false);
        Return();
    }

    private void Return()
    {
        if (_budget is not null && Interlocked.Exchange(ref _returned, 1) == 0)
            _budget.Return();
    }
}
