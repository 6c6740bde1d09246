using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Finds the program as execvp(3) does, but in the child's PATH and from the child's working directory, and starts it. Files
/// that are not there cost one access(2) each; the first that is there is tried.
/// </summary>
internal static unsafe class ProgramSearch
{
    /// <summary>What execvp(3) takes where there is no PATH.</summary>
    internal const string DefaultPath = "/bin:/usr/bin";

    /// <summary>PATH_MAX of &lt;linux/limits.h&gt;: the kernel takes no longer path.</summary>
    private const int LongestPath = 4096;

    /// <param name="call">What to start; its path is left to us.</param>
    /// <param name="info">The name to look up, and the working directory that relative paths count from.</param>
    /// <param name="strings">The same in native memory, and the child's PATH.</param>
    /// <param name="program">On failure, the file that the error is about; null if there was none to try.</param>
    internal static PosixResult Start(scoped ref SpawnCall call, SubprocessStartInfo info, scoped in SpawnStrings strings, out string? program)
    {
        program = null;
        if (info.FileName.Contains('/'))
        {
            PosixResult result = call.Try(strings.FileName);
            if (result.IsError)
                program = info.FileName;
            return result;
        }
        return StartFromPath(ref call, info, strings.SearchPath ?? DefaultPath, out program);
    }

    [SkipLocalsInit] // of the candidate
    private static PosixResult StartFromPath(scoped ref SpawnCall call, SubprocessStartInfo info, string searchPath, out string? program)
    {
        program = null;
        PosixResult error = PosixResult.Failure(ENOENT);
        byte* candidate = stackalloc byte[LongestPath];
        foreach (Range range in searchPath.AsSpan().Split(':'))
        {
            ReadOnlySpan<char> directory = DirectoryOf(searchPath, range);
            if (!TryJoin(directory, info.FileName, new Span<byte>(candidate, LongestPath)) || !Exists(candidate, directory, info))
                continue;
            PosixResult result = call.Try(candidate);
            if (result.IsSuccess)
                return result;

            // As execvp(3): a directory, a file without permission or without its interpreter does not end the search. Of
            // these EACCES is the one to tell.
            int errno = result.Errno;
            bool goesOn = (errno == EACCES || errno == ENOENT || errno == ENOTDIR || errno == ESTALE) && !call.FailedBeforeExec;
            if (!goesOn || program is null || (errno == EACCES && error.Errno != EACCES))
                (error, program) = (result, $"{directory}/{info.FileName}");
            if (!goesOn)
                return result;
        }
        return error;
    }

    /// <summary>The directories of a PATH; an empty one stands for the working directory.</summary>
    internal static ReadOnlySpan<char> DirectoryOf(string searchPath, Range range)
    {
        ReadOnlySpan<char> directory = searchPath.AsSpan(range);
        return directory.IsEmpty ? "." : directory;
    }

    private static bool TryJoin(ReadOnlySpan<char> directory, string name, Span<byte> path)
    {
        if (Utf8.FromUtf16(directory, path, out _, out int length) != OperationStatus.Done || length == path.Length)
            return false;
        path[length++] = (byte)'/';
        if (Utf8.FromUtf16(name, path[length..], out _, out int nameLength) != OperationStatus.Done || length + nameLength == path.Length)
            return false;
        path[length + nameLength] = 0;
        return true;
    }

    private static bool Exists(byte* candidate, ReadOnlySpan<char> directory, SubprocessStartInfo info) =>
        info.WorkingDirectory is null || directory[0] == '/'
            ? Libc.Access(candidate, F_OK).IsSuccess
            : Libc.Access($"{info.WorkingDirectory}/{directory}/{info.FileName}", F_OK).IsSuccess;
}
