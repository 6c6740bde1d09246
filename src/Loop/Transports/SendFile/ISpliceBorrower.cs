namespace UnixLoop.Transports.SendFile;

/// <summary>Whom a source has lent its descriptor to. Called without a lock.</summary>
internal interface ISpliceBorrower
{
    /// <summary>There is something to read, or the end; on the loop, once a turn, while <see cref="ISpliceSource.WantReadable"/> is on.</summary>
    void OnReadable();

    /// <summary>The source was closed, or its loop has ended; at most once, on any thread.</summary>
    /// <param name="error">Null for a plain close.</param>
    void OnSourceGone(Exception? error);

    /// <summary>The reader's CancelPendingRead, on any thread.</summary>
    /// <returns>False if it has ended.</returns>
    bool TryCancelRead();
}
