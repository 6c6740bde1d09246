using UnixLoop;
using WorkerApp.Run;

namespace WorkerApp.Init;

/// <summary>"init": what tini(1) does, with this binary. Nothing before it may use Console or Process.</summary>
internal static class InitCommand
{
    private const int ENOENT = 2;
    private const int EACCES = 13;
    private const int ENOEXEC = 8;

    internal static int Execute(InitArguments arguments)
    {
        try
        {
            return UnixInit.Run(arguments.Command, arguments.Arguments, arguments.Options);
        }
        catch (IOException failure)
        {
            Console.Error.WriteLine($"WorkerApp init: {failure.Message}");
            return failure.HResult switch
            {
                ENOENT => ExitCodes.NotFound,
                EACCES or ENOEXEC => ExitCodes.NotExecutable,
                _ => ExitCodes.OurFailure,
            };
        }
    }
}
