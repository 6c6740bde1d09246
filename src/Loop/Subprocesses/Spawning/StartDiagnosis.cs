using System.Text;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// Says what a failed posix_spawn(3) meant. One errno has many causes (ENOENT: the program, its interpreter or the working
/// directory is missing), so the file system is asked again, after the fact: it may have changed since.
/// </summary>
internal static class StartDiagnosis
{
    /// <param name="info">What was to be started.</param>
    /// <param name="errno">What posix_spawn(3) returned.</param>
    /// <param name="program">The file that was tried, as the child sees it; null if the search met none.</param>
    /// <param name="searchPath">Where the search went.</param>
    /// <param name="descriptors">What the child was to get.</param>
    internal static SubprocessStartException Explain(SubprocessStartInfo info, int errno, string? program, string searchPath, ChildDescriptors descriptors)
    {
        if (errno == E2BIG)
            return TooLong(info);
        if (errno == EAGAIN || errno == ENOMEM)
            return StartErrors.NoProcesses(info, errno);
        if (errno == EMFILE || errno == ENFILE)
            return StartErrors.NoDescriptors(info, errno, "the program's file");
        if (errno == ETXTBSY)
            return StartErrors.Create(info, SubprocessStartError.Busy, errno, $"'{program}' is open for writing, still after 100 ms");
        if (errno == EBADF && StartErrors.NotOpen(info, descriptors) is SubprocessStartException notOpen)
            return notOpen;
        return WorkingDirectory(info) ?? Program(info, errno, program, searchPath);
    }

    private static SubprocessStartException? WorkingDirectory(SubprocessStartInfo info)
    {
        if (info.WorkingDirectory is not string directory)
            return null;
        int errno = Libc.Access(directory, F_OK).Errno;
        if (errno == 0 && !System.IO.Directory.Exists(directory))
            errno = ENOTDIR;
        if (errno == 0)
            errno = Libc.Access(directory, X_OK).Errno;
        return errno == 0 ? null : Directory(info, errno);
    }

    /// <summary>The child could not go to its working directory.</summary>
    internal static SubprocessStartException Directory(SubprocessStartInfo info, int errno)
    {
        string rule =
            errno == ENOENT ? "does not exist"
            : errno == ENOTDIR ? "is not a directory"
            : errno == EACCES ? "may not be entered"
            : PosixError.Message(errno);
        return StartErrors.Create(info, SubprocessStartError.WorkingDirectory, errno, $"the working directory '{info.WorkingDirectory}' {rule}");
    }

    private static SubprocessStartException Program(SubprocessStartInfo info, int errno, string? program, string searchPath)
    {
        if (program is null)
            return StartErrors.Create(info, SubprocessStartError.NotFound, ENOENT, $"no such file in PATH {searchPath}{Unsearchable(searchPath)}");

        string path = FromHere(info, program);
        if (errno == ENOENT || errno == ENOTDIR)
            return Missing(info, errno, program, path);
        if (errno == EACCES)
            return NotExecutable(info, program, path);
        if (errno == ENOEXEC || errno == ELIBBAD)
        {
            return StartErrors.Create(info, SubprocessStartError.BadFormat, errno, ProgramFile.IsEmpty(path)
                ? $"'{program}' is empty"
                : $"'{program}' is neither a binary for this machine nor a script with a #! line");
        }
        return StartErrors.Create(info, SubprocessStartError.Other, errno, $"'{program}': {PosixError.Message(errno)}");
    }

    private static SubprocessStartException Missing(SubprocessStartInfo info, int errno, string program, string path)
    {
        if (Libc.Access(path, F_OK).IsError)
            return StartErrors.Create(info, SubprocessStartError.NotFound, errno, errno == ENOTDIR ? $"a part of the path '{program}' is not a directory" : $"no such file '{program}'");

        foreach (ProgramInterpreter interpreter in ProgramFile.Interpreters(path, i => FromHere(info, i)))
        {
            if (Libc.Access(FromHere(info, interpreter.Path), F_OK).IsError)
                return StartErrors.Create(info, SubprocessStartError.MissingInterpreter, errno, $"{interpreter.Describe()} is missing");
        }
        return StartErrors.Create(info, SubprocessStartError.NotFound, errno, $"'{program}': {PosixError.Message(errno)}");
    }

    private static SubprocessStartException NotExecutable(SubprocessStartInfo info, string program, string path)
    {
        string why = WhyDenied(program, path) ?? InterpreterDenied(info, path)
            ?? $"'{program}' may not be executed: its file system is mounted noexec, {OtherUser(info)}or a security module refuses";
        return StartErrors.Create(info, SubprocessStartError.NotExecutable, EACCES, why);
    }

    /// <summary>We can't ask for another user, whose permissions are what counts then.</summary>
    private static string OtherUser(SubprocessStartInfo info) =>
        info.Attributes is { User: string user } ? $"the user '{user}' has no permission, " : "";

    private static string? WhyDenied(string program, string path)
    {
        if (System.IO.Directory.Exists(path))
            return $"'{program}' is a directory";
        if (Libc.Access(path, F_OK).Errno == EACCES)
            return $"a directory on the path '{program}' may not be searched";
        return Libc.Access(path, X_OK).Errno == EACCES
            ? $"'{program}' has no execute permission for us ({ModeText(path)})"
            : null;
    }

    private static string ModeText(string path)
    {
        try
        {
#pragma warning disable CA1416 // Linux only
            return $"mode {Convert.ToString((int)File.GetUnixFileMode(path), 8).PadLeft(4, '0')}";
#pragma warning restore CA1416
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "now gone";
        }
    }

    private static string? InterpreterDenied(SubprocessStartInfo info, string path)
    {
        foreach (ProgramInterpreter interpreter in ProgramFile.Interpreters(path, i => FromHere(info, i)))
        {
            string? why = WhyDenied(interpreter.Path, FromHere(info, interpreter.Path));
            if (why is not null)
                return $"{interpreter.Describe()} may not be executed: {why}";
        }
        return null;
    }

    private static SubprocessStartException TooLong(SubprocessStartInfo info)
    {
        // execve(2): each string has MAX_ARG_STRLEN, 32 pages with its NUL; all together a quarter of RLIMIT_STACK, at most 6 MiB.
        int longest = 32 * Environment.SystemPageSize - 1;
        for (int i = 0; i < info.Arguments.Count; i++)
        {
            int length = Encoding.UTF8.GetByteCount(info.Arguments[i]);
            if (length > longest)
                return StartErrors.Create(info, SubprocessStartError.ArgumentsTooLong, E2BIG, $"Arguments[{i}] has {length} bytes; the kernel takes {longest}");
        }
        return StartErrors.Create(info, SubprocessStartError.ArgumentsTooLong, E2BIG, $"arguments and environment together are longer than the kernel takes (a quarter of the stack limit, at most 6 MiB; each at most {longest} bytes)");
    }

    private static string Unsearchable(string searchPath)
    {
        string denied = string.Join(", ", searchPath.Split(':').Where(directory => Libc.Access(directory, X_OK).Errno == EACCES));
        return denied.Length == 0 ? "" : $" (may not be searched: {denied})";
    }

    private static string FromHere(SubprocessStartInfo info, string path) =>
        info.WorkingDirectory is string directory ? Path.Combine(directory, path) : path;
}
