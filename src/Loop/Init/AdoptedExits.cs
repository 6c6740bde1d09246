using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Init;

/// <summary>The app's end of <see cref="InitReport"/>, on a loop.</summary>
internal sealed class AdoptedExits : IDisposable
{
    private readonly UnixHandle _pipe;
    private readonly Action<AdoptedExit> _callback;
    private readonly IDisposable _watch;

    internal AdoptedExits(IUnixEventLoop loop, UnixHandle pipe, Action<AdoptedExit> callback)
    {
        (_pipe, _callback) = (pipe, callback);
        _watch = loop.WatchReadable(pipe, ReadOnLoop);
    }

    public void Dispose()
    {
        _watch.Dispose();
        _pipe.Dispose();
    }

    private void ReadOnLoop()
    {
        // Whole records: each was written at once, and this is a multiple of their size.
        Span<byte> bytes = stackalloc byte[InitReport.RecordBytes * 64];
        PosixResult result = Read(bytes);
        if (result.IsError)
            return; // EAGAIN, or disposed
        if (result.IntValue == 0)
        {
            _watch.Dispose(); // the init has gone
            return;
        }
        Tell(bytes[..result.IntValue]);
    }

    /// <summary>Borrows the pipe: a dispose meanwhile must not close it, and its number go to somebody else, before read(2) has it.</summary>
    private PosixResult Read(Span<byte> bytes)
    {
        bool borrowed = false;
        try
        {
            _pipe.DangerousAddRef(ref borrowed);
            return Libc.Read(_pipe.Descriptor, bytes);
        }
        catch (ObjectDisposedException)
        {
            return PosixResult.Failure(EBADF);
        }
        finally
        {
            if (borrowed)
                _pipe.DangerousRelease();
        }
    }

    /// <summary>What has been read nobody else can tell: a callback that throws must not cost the others.</summary>
    private void Tell(ReadOnlySpan<byte> records)
    {
        List<Exception>? failures = null;
        for (; !records.IsEmpty; records = records[InitReport.RecordBytes..])
        {
            try
            {
                _callback(InitReport.Parse(records[..InitReport.RecordBytes]));
            }
            catch (Exception exception)
            {
                (failures ??= []).Add(exception);
            }
        }
        if (failures is not null)
            throw new AggregateException("A callback of WatchAdoptedExits failed.", failures);
    }
}
