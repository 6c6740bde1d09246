namespace UnixLoop.Transports.Pipes;

/// <summary>Moves bytes between a descriptor that it owns and memory, on the loop. Every member may be called from any thread.</summary>
internal interface IPump
{
    /// <summary>Whether the descriptor is closed.</summary>
    bool IsEnded { get; }

    /// <summary>What it ended with; null after a regular end. To be read once it has ended.</summary>
    Exception? Failure { get; }

    /// <summary>Registers the descriptor, with one epoll_ctl(2) from the caller's thread.</summary>
    /// <exception cref="IOException">epoll_ctl(2) failed.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    void Start();

    /// <summary>Ends it now, drops what is queued, and closes the descriptor; nothing happens if it has ended already.</summary>
    /// <param name="error">What the other side sees; null looks like a regular end.</param>
    void Close(Exception? error);
}
