using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Descriptors on their way out: borrowed from their handles until the message has been sent, or never will be. The handles stay the caller's.</summary>
internal sealed class BorrowedDescriptors : IDisposable
{
    private readonly SafeHandle[] _handles;
    private readonly int[] _descriptors;
    private int _borrowed;

    /// <exception cref="ArgumentException">None, more than the kernel takes, or one that is null or holds no descriptor; the message says which.</exception>
    /// <exception cref="ObjectDisposedException">One of them is closed.</exception>
    internal BorrowedDescriptors(IReadOnlyList<SafeHandle> handles)
    {
        ArgumentNullException.ThrowIfNull(handles);
        if (handles.Count is 0 or > Libc.MaxDescriptorsPerMessage)
            throw new ArgumentException($"One message passes 1 to {Libc.MaxDescriptorsPerMessage} descriptors (SCM_MAX_FD, unix(7)); these are {handles.Count}.", nameof(handles));
        _handles = [.. handles];
        _descriptors = new int[_handles.Length];
        try
        {
            for (; _borrowed < _handles.Length; _borrowed++)
            {
                if (_handles[_borrowed] is not { IsInvalid: false } handle)
                    throw new ArgumentException($"Handle {_borrowed} of {_handles.Length} holds no descriptor.", nameof(handles));
                bool added = false;
                handle.DangerousAddRef(ref added);
                _descriptors[_borrowed] = (int)handle.DangerousGetHandle();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ReadOnlySpan<int> Numbers => _descriptors;

    public void Dispose()
    {
        for (int count = Interlocked.Exchange(ref _borrowed, 0); count > 0; count--)
            _handles[count - 1].DangerousRelease();
    }
}
