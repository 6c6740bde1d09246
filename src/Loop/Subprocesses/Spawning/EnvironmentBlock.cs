using System.Collections;
using System.Runtime.CompilerServices;

namespace UnixLoop.Subprocesses;

/// <summary>Our variables as they were when it was made, encoded once for any number of children. Thread-safe.</summary>
internal sealed unsafe class EnvironmentBlock
{
    // Pinned: they are handed to the C library by address.
    private readonly byte[] _bytes;
    private readonly nint[] _pointers;

    internal EnvironmentBlock()
    {
        Variables = Environment.GetEnvironmentVariables();
        NativeStrings strings = new(Variables.Count + 1);
        SearchPath = ChildEnvironment.WriteOurs(ref strings, Variables, edits: null);
        strings.AddNull();
        strings.Pin(out _bytes, out _pointers);
        strings.Dispose();
    }

    /// <summary>The same, for children that get them edited.</summary>
    internal IDictionary Variables { get; }

    /// <summary>Our PATH; null if there is none.</summary>
    internal string? SearchPath { get; }

    /// <summary>Valid for as long as this object is referenced.</summary>
    internal byte** Envp => (byte**)Unsafe.AsPointer(ref _pointers[0]);
}
