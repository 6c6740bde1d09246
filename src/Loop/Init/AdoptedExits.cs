using UnixLoop.Interop;

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
        PosixResult result = Libc.Read(_pipe.Descriptor, bytes);
        if (result.IsError)
            return; // EAGAIN
        if (result.IntValue == 0)
        {
            _watch.Dispose(); // the init has gone
            return;
        }
        for (int at = 0; at < result.IntValue; at += InitReport.RecordBytes)
            _callback(InitReport.Parse(bytes.Slice(at, InitReport.RecordBytes)));
    }
}
