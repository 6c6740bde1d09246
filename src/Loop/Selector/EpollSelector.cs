using System.Runtime.InteropServices;

namespace UnixLoop.Selector;

internal sealed class EpollSelector
{
    /// <summary>Registers from any thread; borrows the handle until the registration is disposed.</summary>
    /// <exception cref="InvalidOperationException">The descriptor is registered already; the message names the holder.</exception>
    internal SelectorRegistration Register(SafeHandle handle, uint events, IReadyHandler handler) => throw new NotImplementedException();
}

internal sealed class SelectorRegistration : IDisposable
{
    /// <summary>Changes the events, from any thread. Zero events = EPOLL_CTL_DEL (linux.md, rule 2), non-zero again = ADD.</summary>
    internal void Modify(uint events) => throw new NotImplementedException();

    /// <summary>EPOLL_CTL_DEL, then lets go of the handle; idempotent, any thread.</summary>
    public void Dispose() => throw new NotImplementedException();
}
