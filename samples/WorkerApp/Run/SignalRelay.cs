using UnixLoop;

namespace WorkerApp.Run;

/// <summary>Passes the signals that we get on to the child, each once. On a terminal the kernel sends its own straight to the child.</summary>
internal sealed class SignalRelay
{
    private static readonly UnixSignal[] Passed =
        [UnixSignal.Int, UnixSignal.Term, UnixSignal.Hup, UnixSignal.Quit, UnixSignal.Usr1, UnixSignal.Usr2, UnixSignal.Winch];

    private readonly IUnixEventLoop _loop;

    // Both belong to the loop's thread.
    private readonly Queue<UnixSignal> _early = new();
    private ISubprocess? _child;

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
        if (_child is null)
            _early.Enqueue(signal);
        else
            _child.Signal(signal);
    }
}
