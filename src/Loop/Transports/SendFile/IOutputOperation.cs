namespace UnixLoop.Transports.SendFile;

/// <summary>Something that has a connection's or a pipe's output to itself for a while: a sendfile or a splice.</summary>
internal interface IOutputOperation
{
    /// <summary>For the refusal of writes: "sending of '/srv/file'".</summary>
    string Name { get; }

    /// <summary>The socket has room and <see cref="IOperableOutput.WantWritable"/> is on; on the loop, once a turn, without a lock.</summary>
    void OnWritable();

    /// <summary>The connection was aborted, disposed or has failed, or its loop has ended; at most once, on any thread, without a lock.</summary>
    void OnOutputGone(Exception error);
}
