using System.Text;
using Microsoft.Win32.SafeHandles;
using UnixLoop;
using WorkerApp.Run;

namespace WorkerApp.Init;

/// <summary>"init": what tini(1) does, with this binary. Nothing before it may use Console or Process.</summary>
internal static class InitCommand
{
    private const int ENOENT = 2;
    private const int EACCES = 13;
    private const int ENOEXEC = 8;
    private const int ETXTBSY = 26;
    private const int ENAMETOOLONG = 36;
    private const int ELOOP = 40;

    internal static int Execute(string[] args) => OrFailure(() => Run(InitArguments.Parse(args)))!.Value;

    /// <summary>Null where we are to go on.</summary>
    internal static int? RunAsPid1(string[] args) => OrFailure(() => UnixInit.RunAsPid1(args));

    private static int? Run(InitArguments arguments)
    {
        try
        {
            return UnixInit.Run(arguments.Command, arguments.Arguments, arguments.Options);
        }
        catch (ArgumentException mistake)
        {
            throw new UsageException($"init: {mistake.Message}");
        }
    }

    /// <summary>PID 1 that aborts tells nobody why: also a runtime that finds no descriptor to load its assemblies with is to end by an exit code.</summary>
    private static int? OrFailure(Func<int?> run)
    {
        try
        {
            return run();
        }
        catch (IOException failure)
        {
            Say(Explain(failure));
            return failure.HResult switch
            {
                ENOENT => ExitCodes.NotFound,
                EACCES or ENOEXEC or ETXTBSY or ENAMETOOLONG or ELOOP => ExitCodes.NotExecutable,
                _ => ExitCodes.OurFailure,
            };
        }
        catch (TypeInitializationException failure) when (failure.GetBaseException() is IOException cause)
        {
            Say(Explain(cause));
            return ExitCodes.OurFailure;
        }
    }

    /// <summary>The loader says that a file is missing also where open(2) has said EMFILE.</summary>
    private static string Explain(IOException failure) => failure is FileNotFoundException or FileLoadException
        ? $"a part of .NET could not be loaded, probably because there are too few descriptors (ulimit -n): {failure.Message.TrimEnd()}"
        : failure.Message;

    private static void Say(string why)
    {
        try
        {
            using Stream error = OpenStandardError();
            error.Write(Encoding.UTF8.GetBytes($"WorkerApp init: {why}\n"));
            // A file is written by pwrite(2), which leaves the offset where the next writer would overwrite us; to ask for the handle moves it.
            if (error is FileStream file)
                _ = file.SafeFileHandle;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Closed, or only to be read: the exit code is all that can be told.
        }
    }

    /// <summary>Console duplicates the descriptor, when there may be none left.</summary>
    private static Stream OpenStandardError()
    {
        const int StandardError = 2;
        try
        {
            return Console.OpenStandardError();
        }
        catch (IOException)
        {
            return new FileStream(new SafeFileHandle(StandardError, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        }
    }
}
