using UnixLoop.Interop;

namespace UnixLoop.Transports.SendFile;

/// <summary>A pipe, or a connection's input, that can be lent to a splice: nothing else reads its descriptor then. Every member may be called from any thread.</summary>
internal interface ISpliceSource
{
    /// <summary>splice(2) needs a pipe on one side.</summary>
    bool IsPipe { get; }

    /// <summary>Lends the descriptor until <see cref="TakeBack"/>. What was read before is in the reader.</summary>
    /// <returns>False for what can't be spliced, and after the end.</returns>
    bool TryLend(ISpliceBorrower borrower);

    /// <summary>Whether <see cref="ISpliceBorrower.OnReadable"/> is called; nothing once the source has gone.</summary>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    void WantReadable(bool wanted);

    /// <summary>splice(2) to <paramref name="to"/>; null once the source has gone.</summary>
    PosixResult? Splice(int to, int count);

    /// <summary>Reads on, or ends.</summary>
    /// <param name="isAtEnd">The borrower has met the end of file.</param>
    /// <param name="failure">The borrower has met an error of the source, which it will not tell again.</param>
    void TakeBack(bool isAtEnd, Exception? failure);
}
