using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// A start that may wait for long in open(2): a FIFO waits for its other end (fifo(7)), a serial line for its carrier (tty_ioctl(4)).
/// As in a shell that holds this one command, and nobody else: neither the caller, nor the loop, nor other starts.
/// </summary>
internal static class PatientStart
{
    /// <summary>Whether a stream is a file, but not a plain one. A name that leads nowhere is no reason: it is created, or refused at once.</summary>
    internal static bool IsNeededFor(in RunStreams streams) =>
        MayBlock(streams.Input) || MayBlock(streams.Output) || MayBlock(streams.Error);

    internal static async Task<ChildProcess> RunAsync(LaunchRequest request, RunStreams streams, bool diesWithUs, CancellationToken cancellationToken)
    {
        // Not the pool: each of its threads that waits here would be missing elsewhere. A child that dies with its starting
        // thread has to hold the one that never ends; other such children wait behind it.
        if (diesWithUs)
            LaunchThread.Enqueue(request, mayMove: false);
        else
            new Thread(static request => ((LaunchRequest)request!).Run()) { IsBackground = true, Name = "unix-open" }.UnsafeStart(request);
        try
        {
            return await request.Launched.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            bool all = TryOpenOtherEnds(streams, out List<UnixHandle> otherEnds);
            Task gone = DestroyAsync(request.Launched, otherEnds);
            // With an end that we may not open, the thread goes when the true one comes.
            if (all)
                await gone.ConfigureAwait(false);
            throw;
        }
    }

    private static bool MayBlock(Stdio stream)
    {
        if (stream.Kind != StdioKind.File)
            return false;
        PosixResult type = Libc.FileType(stream.Path!);
        return type.IsSuccess && type.IntValue is not (Libc.RegularFile or Libc.Directory);
    }

    /// <summary>fifo(7): opened for both, a FIFO is its own other end. Held until the thread has seen that it need not go on.</summary>
    private static bool TryOpenOtherEnds(in RunStreams streams, out List<UnixHandle> ends)
    {
        ends = [];
        bool all = true;
        foreach (Stdio stream in (ReadOnlySpan<Stdio>)[streams.Input, streams.Output, streams.Error])
        {
            if (!MayBlock(stream))
                continue;
            PosixResult opened = Libc.FileType(stream.Path!) is { IsSuccess: true, IntValue: Libc.Fifo }
                ? Libc.Open(stream.Path!, O_RDWR | O_NONBLOCK)
                : PosixResult.Failure(ENXIO);
            if (opened.IsSuccess)
                ends.Add(new UnixHandle(opened.IntValue));
            else
                all = false;
        }
        return all && ends.Count > 0;
    }

    private static async Task DestroyAsync(Task<ChildProcess> launched, List<UnixHandle> otherEnds)
    {
        await ((Task)launched).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        otherEnds.ForEach(end => end.Dispose());
        if (launched.IsCompletedSuccessfully)
            await launched.Result.DestroyAsync().ConfigureAwait(false);
    }
}
