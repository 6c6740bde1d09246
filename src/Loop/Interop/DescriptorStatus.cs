namespace UnixLoop.Interop;

/// <summary>What an open descriptor is, by statx(2).</summary>
/// <param name="Type">One of <see cref="Libc"/>'s file types.</param>
/// <param name="Major">Of the device, if it is one.</param>
/// <param name="Minor">Of the device, if it is one.</param>
internal readonly record struct DescriptorStatus(int Type, uint Major, uint Minor);
