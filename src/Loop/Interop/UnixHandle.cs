using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Interop;

/// <summary>The one owner of a descriptor that the library opened. Registrations borrow it (DangerousAddRef) and never close it.</summary>
internal sealed class UnixHandle : SafeHandleMinusOneIsInvalid
{
    internal UnixHandle(int descriptor)
        : base(ownsHandle: true) // the library opened it, nobody else closes it
        => SetHandle(descriptor);

    /// <summary>The descriptor's number; valid only while the caller keeps the handle open.</summary>
    internal int Descriptor => (int)handle;

    protected override bool ReleaseHandle() => Libc.Close((int)handle).IsSuccess;

    public override string ToString() => IsClosed ? "descriptor (closed)" : $"descriptor {(int)handle}";
}
