namespace UnixLoop.Transports.Pipes;

/// <summary>What is behind the descriptor of a pipe: it decides how bytes are moved and how the peer's close shows.</summary>
internal enum PipeEndKind
{
    /// <summary>An anonymous pipe or a FIFO (pipe(7)).</summary>
    Pipe,

    /// <summary>A connected AF_UNIX stream.</summary>
    UnixSocket,

    /// <summary>A connected stream of another family.</summary>
    Socket,

    /// <summary>A terminal, of which a pseudo-terminal says when its other side has gone.</summary>
    Terminal,

    /// <summary>Another character device.</summary>
    Device,

    /// <summary>What epoll refuses, since it never makes anybody wait: regular files, block devices, /dev/null and its like.</summary>
    File,
}
