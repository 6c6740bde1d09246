using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace UnixLoop.Fault.Tests.Interop;

/// <summary>Other descriptions on descriptors 0 and 2 of this process, until disposed; the two are closed here then. Nothing of the tests reads the one or writes the other meanwhile.</summary>
internal sealed unsafe partial class StandardStreams : IDisposable
{
    private const int Input = 0;
    private const int Error = 2;

    private readonly SafeFileHandle _input = Keep(Input);
    private readonly SafeFileHandle _error = Keep(Error);

    /// <param name="input">Becomes standard input; closed.</param>
    /// <param name="error">Becomes standard error; closed.</param>
    internal StandardStreams(SafeFileHandle input, SafeFileHandle error)
    {
        Put(input, Input);
        Put(error, Error);
    }

    public void Dispose()
    {
        Put(_input, Input);
        Put(_error, Error);
    }

    private static SafeFileHandle Keep(int number)
    {
        const int F_DUPFD_CLOEXEC = 1030;
        int kept = fcntl(number, F_DUPFD_CLOEXEC, 3);
        return kept >= 0 ? new SafeFileHandle(kept, ownsHandle: true) : throw new IOException(Marshal.GetLastPInvokeErrorMessage()); // made here
    }

    private static void Put(SafeFileHandle handle, int number)
    {
        if (dup2((int)handle.DangerousGetHandle(), number) != number)
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        handle.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);
}
