namespace UnixLoop.Transports.SendFile;

/// <summary>A connection's or a pipe's output, as an operation uses it that writes to the descriptor by itself. Every member may be called from any thread.</summary>
internal interface IOperableOutput
{
    UnixEventLoop Loop { get; }

    /// <summary>splice(2) needs a pipe on one side.</summary>
    bool IsPipe { get; }

    /// <summary>Non-blocking; open from the begin of an operation to its end, also when the connection is aborted meanwhile.</summary>
    int Descriptor { get; }

    /// <summary>
    /// Gives the output to <paramref name="operation"/> once all that was written before is in the kernel. From the call on, writes are
    /// refused with the operation's name. A cancel while it waits changes nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The output is completed, or has another operation.</exception>
    /// <exception cref="IOException">The output has failed.</exception>
    /// <exception cref="ObjectDisposedException">The connection or its loop has ended.</exception>
    ValueTask BeginOutputOperationAsync(IOutputOperation operation, CancellationToken cancellationToken);

    /// <summary>Whether <see cref="IOutputOperation.OnWritable"/> is called, once a turn, while the socket has room. Nothing once the output has gone.</summary>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    void WantWritable(bool wanted);

    /// <summary>The operation is over: writes are allowed again.</summary>
    /// <param name="operation">Which began.</param>
    /// <param name="sent">How many bytes the socket has taken.</param>
    /// <param name="failure">An error of the socket, which ends the output as a failed write does.</param>
    void EndOutputOperation(IOutputOperation operation, long sent, Exception? failure);
}
