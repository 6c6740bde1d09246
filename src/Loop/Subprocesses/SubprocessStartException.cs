namespace UnixLoop;

/// <summary>Why a child could not be started.</summary>
public enum SubprocessStartError
{
    /// <summary>Another reason: <see cref="SubprocessStartException.ErrorName"/> says which.</summary>
    Other,

    /// <summary>There is no such program (ENOENT); for a name without a slash, none in the child's PATH.</summary>
    NotFound,

    /// <summary>It is there and may not be executed (EACCES), or is a directory.</summary>
    NotExecutable,

    /// <summary>The working directory is missing, is no directory, or may not be entered.</summary>
    WorkingDirectory,

    /// <summary>The script's interpreter, or the binary's loader, is missing (ENOENT).</summary>
    MissingInterpreter,

    /// <summary>Neither a binary for this machine nor a script with a #! line (ENOEXEC).</summary>
    BadFormat,

    /// <summary>Arguments and environment are longer than the kernel takes (E2BIG).</summary>
    ArgumentsTooLong,

    /// <summary>This process or the system has no descriptors left (EMFILE, ENFILE).</summary>
    NoDescriptors,

    /// <summary>No further process may be made: RLIMIT_NPROC, pids.max, or memory (EAGAIN, ENOMEM).</summary>
    NoProcesses,

    /// <summary>The program's file is being written (ETXTBSY), still after 100 ms.</summary>
    Busy,

    /// <summary>One of <see cref="SubprocessStartInfo.Attributes"/> could not be set; the message names it and the step.</summary>
    Attribute,
}

/// <summary>A child could not be started; none was left behind.</summary>
public sealed class SubprocessStartException : IOException
{
    internal SubprocessStartException(string message, SubprocessStartError reason, string fileName, string errorName, int errno)
        : base(message, errno)
    {
        Reason = reason;
        FileName = fileName;
        ErrorName = errorName;
    }

    /// <summary>The reason, for a program to decide by.</summary>
    public SubprocessStartError Reason { get; }

    /// <summary>The program that was asked for.</summary>
    public string FileName { get; }

    /// <summary>The errno's name, "ENOENT"; its number is the <see cref="Exception.HResult"/>.</summary>
    public string ErrorName { get; }
}
