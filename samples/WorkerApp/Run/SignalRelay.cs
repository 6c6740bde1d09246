using UnixLoop;

namespace WorkerApp.Run;

/// <summary>
/// Passes the signals that we get on to the child, each once. On a terminal the kernel sends its own straight to the child.
/// What comes before the child has begun is kept for it; the second INT, TERM or QUIT then ends us, since a start may hang
/// (a dead file server, no thread or descriptor left) and nobody else would obey.
/// </summary>
internal sealed class SignalRelay
{
    private static readonly UnixSignal[] Passed =
        [UnixSignal.Int, UnixSignal.Term, UnixSignal.Hup, UnixSignal.Quit, UnixSignal.Usr1, UnixSignal.Usr2, UnixSignal.Winch];

    private readonly IUnixEventLoop _loop;

    // Both belong to the loop's thread.
    private readonly Queue<UnixSignal> _early = new();
    private ISubprocess? _child;
    private bool _isAskedToEnd;

    internal SignalRelay(IUnixEventLoop loop)
    {
        _loop = loop;
        foreach (UnixSignal signal in Passed)
            loop.AddSignalHandler(signal, static relayed => relayed.Relay.Pass(relayed.Signal), (Relay: this, Signal: signal));
    }

    internal Task BeginAsync(ISubprocess child) => _loop.InvokeAsync(() =>
    {
        _child = child;
        while (_early.TryDequeue(out UnixSignal signal))
            child.Signal(signal);
    });

    private void Pass(UnixSignal signal)
    {
        if (_child is not null)
        {
            _child.Signal(signal);
            return;
        }
        _early.Enqueue(signal);
        if (signal != UnixSignal.Int && signal != UnixSignal.Term && signal != UnixSignal.Quit)
            return;
        if (_isAskedToEnd)
            Environment.Exit(128 + signal.Number); // the thread that starts the child can't be interrupted
        _isAskedToEnd = true;
    }
}
