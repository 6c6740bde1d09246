using UnixLoop.Interop;
using UnixLoop.Transports.SendFile;

namespace UnixLoop.Loop.Tests.SendFile;

/// <summary>A socket without the rest of a connection: an operation has its output at once.</summary>
internal sealed class PlainOutput(UnixEventLoop loop, UnixHandle socket) : IOperableOutput
{
    private readonly Lock _gate = new();
    private IDisposable? _watch;
    private IOutputOperation? _operation;

    public UnixEventLoop Loop => loop;

    public bool IsPipe => false;

    public int Descriptor => socket.Descriptor;

    /// <summary>Called on the loop before each chance to write.</summary>
    internal Action OnTurn { get; set; } = () => { };

    internal bool IsWatched => _watch is not null;

    internal bool HasOperation => _operation is not null;

    internal long Sent { get; private set; }

    internal Exception? Failure { get; private set; }

    public ValueTask BeginOutputOperationAsync(IOutputOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _operation = operation;
        return ValueTask.CompletedTask;
    }

    public void WantWritable(bool wanted)
    {
        lock (_gate)
        {
            if (wanted == IsWatched)
                return;
            _watch?.Dispose();
            _watch = wanted ? loop.WatchWritable(socket, OnWritable) : null;
        }
    }

    public void EndOutputOperation(IOutputOperation operation, long sent, Exception? failure)
    {
        Assert.Same(_operation, operation);
        WantWritable(false);
        (_operation, Sent, Failure) = (null, sent, failure);
    }

    /// <summary>As if the connection was aborted.</summary>
    internal void Abort() => _operation!.OnOutputGone(new ObjectDisposedException("the connection"));

    public override string ToString() => "a plain socket";

    private void OnWritable()
    {
        OnTurn();
        _operation?.OnWritable();
    }
}
