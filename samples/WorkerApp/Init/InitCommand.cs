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
            Say(failure.Message);
            return failure.HResult switch
            {
                ENOENT => ExitCodes.NotFound,
                EACCES or ENOEXEC => ExitCodes.NotExecutable,
                _ => ExitCodes.OurFailure,
            };
        }
        catch (TypeInitializationException failure) when (failure.GetBaseException() is IOException cause)
        {
            Say(cause.Message);
            return ExitCodes.OurFailure;
        }
    }

    /// <summary>Not by Console, which duplicates the descriptor, when there may be none left.</summary>
    private static void Say(string why)
    {
        const int StandardError = 2;
        try
        {
            using StreamWriter writer = new(new FileStream(new SafeFileHandle(StandardError, ownsHandle: false), FileAccess.Write, bufferSize: 0));
            writer.Write($"WorkerApp init: {why}\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Closed, or only to be read: the exit code is all that can be told.
        }
    }
}
