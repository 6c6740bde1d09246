namespace UnixLoop.Transports.Pipes;

/// <summary>Whom a <see cref="ReadPump"/> has lent its pipe to. Called without a lock.</summary>
internal interface IPipeBorrower
{
    /// <summary>There is something to read, or the end; on the pump's loop, once a turn, while <see cref="ReadPump.WantReadable"/> is on.</summary>
    void OnReadable();

    /// <summary>The pump was closed, or its loop has ended; at most once, on any thread.</summary>
    void OnPipeGone(Exception? error);
}
