using System.IO.Pipelines;

namespace UnixLoop.Transports;

// What the output asks about the input, to leave a flush for later (SocketOutput.Deferring.cs), and what the input tells it. Without
// a lock: none of both holds the other's.
public sealed partial class UnixStreamConnection
{
    /// <summary>The loop's thread alone.</summary>
    private bool _isInCallback;

    internal bool IsInCallbackOfThisThread => Loop.IsOnLoopThread && _isInCallback;

    internal bool HasReaderMore => _input.HasMore;

    internal void OnReaderStaysAway() => _input.ForgetMore();

    internal void OnReadWaits() => _output.SendDeferred();

    private void ReadOnLoop(bool isPeerGone)
    {
        if (!_options.CoalesceFlushes || !ReferenceEquals(_options.Scheduler, PipeScheduler.Inline))
        {
            _input.OnReadableOnLoop(isPeerGone);
            return;
        }
        _isInCallback = true;
        try
        {
            _input.OnReadableOnLoop(isPeerGone);
        }
        finally
        {
            _isInCallback = false;
            _output.SendDeferred();
        }
    }
}
