using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace UnixLoop.Selector;

/// <summary>The user's interests in one descriptor: at most one callback for each direction.</summary>
/// <remarks>Fields are written under the lock of <see cref="DescriptorWatches"/> and read by the loop without it.</remarks>
internal sealed class DescriptorWatch(DescriptorWatches watches, int descriptor) : IReadyHandler
{
    private static readonly uint ReadEvents = (uint)EPOLLIN;
    private static readonly uint WriteEvents = (uint)EPOLLOUT;
    private static readonly uint BothEvents = (uint)(EPOLLERR | EPOLLHUP);

    private volatile DescriptorInterest? _readable;
    private volatile DescriptorInterest? _writable;

    internal int Descriptor { get; } = descriptor;

    internal SelectorRegistration? Registration { get; set; }

    internal DescriptorInterest? this[WatchDirection direction]
    {
        get => direction == WatchDirection.Readable ? _readable : _writable;
        set
        {
            if (direction == WatchDirection.Readable)
                _readable = value;
            else
                _writable = value;
        }
    }

    /// <summary>What epoll has to report for the present interests; 0 when there are none.</summary>
    internal uint Events =>
        (_readable is null ? 0 : ReadEvents) | (_writable is null ? 0 : WriteEvents);

    /// <summary>Both directions are told of an error or hang-up: a read or write then finds out which.</summary>
    public void OnReady(uint events)
    {
        if ((events & (ReadEvents | BothEvents)) != 0)
            _readable?.Callback();
        if ((events & (WriteEvents | BothEvents)) != 0)
            _writable?.Callback();
        if ((events & ~BothEvents & ~Events) != 0)
            watches.Narrow(this);
    }

    public void OnLoopEnded()
    {
        _readable?.Release();
        _writable?.Release();
    }

    public override string ToString() => $"a watch of descriptor {Descriptor}";
}

internal enum WatchDirection
{
    Readable,
    Writable,
}

/// <summary>One direction of a watch; borrows the handle that it was asked for with. Disposing it ends the watch.</summary>
internal sealed class DescriptorInterest(
    DescriptorWatches watches, DescriptorWatch watch, WatchDirection direction, SafeHandle handle, Action callback) : IDisposable
{
    private int _released;

    internal DescriptorWatch Watch { get; } = watch;

    internal WatchDirection Direction { get; } = direction;

    internal Action Callback { get; } = callback;

    internal void Borrow()
    {
        bool borrowed = false;
        handle.DangerousAddRef(ref borrowed);
    }

    internal void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
            handle.DangerousRelease();
    }

    public void Dispose() => watches.Remove(this);

    public override string ToString() => $"{Direction} watch of descriptor {Watch.Descriptor}";
}
