using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>What the kernel must load to run a program file.</summary>
/// <param name="Path">The script's interpreter or the binary's loader, as the file names it.</param>
/// <param name="Program">The file that names it.</param>
/// <param name="IsScript">Whether a #! line names it, and not an ELF header.</param>
internal readonly record struct ProgramInterpreter(string Path, string Program, bool IsScript)
{
    /// <summary>"the interpreter '/usr/bin/perl' of '/x/script'"; a carriage return, invisible otherwise, is shown.</summary>
    internal string Describe() => $"the {(IsScript ? "interpreter" : "loader")} '{Path.Replace("\r", "\\r", StringComparison.Ordinal)}' of '{Program}'";
}

/// <summary>Reads the start of program files to explain why the kernel would not run them (execve(2), elf(5)); trusts nothing in them.</summary>
internal static class ProgramFile
{
    /// <summary>BINPRM_BUF_SIZE of &lt;linux/binfmts.h&gt;: how much of a #! line the kernel reads.</summary>
    private const int ScriptLineBytes = 256;

    /// <summary>Scripts whose interpreters are scripts: the kernel follows five.</summary>
    private const int DeepestChain = 5;

    private const int PT_INTERP = 3;

    internal static bool IsEmpty(string path) => TryOpen(path, out SafeFileHandle? file) && Read(file, 0, 1) is { Length: 0 };

    /// <summary>The interpreter of <paramref name="path"/>, the interpreter of that one, and so on.</summary>
    /// <param name="path">From our working directory.</param>
    /// <param name="fromHere">Makes a path, as the child sees it, one of ours.</param>
    internal static IEnumerable<ProgramInterpreter> Interpreters(string path, Func<string, string> fromHere)
    {
        for (int depth = 0; depth < DeepestChain; depth++)
        {
            if (InterpreterOf(path) is not ProgramInterpreter interpreter)
                yield break;
            yield return interpreter;
            path = fromHere(interpreter.Path);
        }
    }

    private static ProgramInterpreter? InterpreterOf(string path)
    {
        if (!TryOpen(path, out SafeFileHandle? file))
            return null;
        using (file)
        {
            byte[] start = Read(file, 0, ScriptLineBytes);
            string? interpreter =
                start.AsSpan().StartsWith("#!"u8) ? ScriptInterpreter(start.AsSpan(2))
                : start.AsSpan().StartsWith("\u007fELF"u8) ? ElfInterpreter(file, start)
                : null;
            return string.IsNullOrEmpty(interpreter) ? null : new ProgramInterpreter(interpreter, path, start[0] == '#');
        }
    }

    private static string ScriptInterpreter(ReadOnlySpan<byte> line)
    {
        line = line.TrimStart(" \t"u8);
        int end = line.IndexOfAny(" \t\n\0"u8);
        return Encoding.UTF8.GetString(end < 0 ? line : line[..end]);
    }

    private static string? ElfInterpreter(SafeFileHandle file, byte[] header)
    {
        const int Class64 = 2, HeaderBytes = 64, MostHeaders = 128, LongestName = 4096;
        if (header.Length < HeaderBytes)
            return null;
        bool wide = header[4] == Class64;
        long tableOffset = wide ? BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(32)) : BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(28));
        int entryBytes = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(wide ? 54 : 42));
        int entries = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(wide ? 56 : 44));
        for (int i = 0; i < Math.Min(entries, MostHeaders); i++)
        {
            byte[] entry = Read(file, tableOffset + (long)i * entryBytes, wide ? 56 : 32);
            if (entry.Length < (wide ? 56 : 32))
                return null;
            if (BinaryPrimitives.ReadInt32LittleEndian(entry) != PT_INTERP)
                continue;
            long offset = wide ? BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(4));
            long length = wide ? BinaryPrimitives.ReadInt64LittleEndian(entry.AsSpan(32)) : BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(16));
            byte[] name = Read(file, offset, (int)Math.Clamp(length, 0, LongestName));
            return Encoding.UTF8.GetString(name).TrimEnd('\0');
        }
        return null;
    }

    // O_NONBLOCK: the name may lead to a FIFO.
    private static bool TryOpen(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SafeFileHandle? file)
    {
        PosixResult opened = Libc.Open(path, O_RDONLY | O_NONBLOCK);
        file = opened.IsSuccess ? new SafeFileHandle(opened.IntValue, ownsHandle: true) : null; // opened for this read alone
        return file is not null;
    }

    /// <summary>Fewer bytes at the end of the file; none if it can't be read.</summary>
    private static byte[] Read(SafeFileHandle file, long offset, int count)
    {
        if (offset < 0)
            return [];
        byte[] bytes = new byte[count];
        try
        {
            int length = RandomAccess.Read(file, bytes, offset);
            return bytes.AsSpan(0, length).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }
}
