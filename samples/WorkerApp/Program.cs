using UnixLoop;
using WorkerApp;
using WorkerApp.Jobs;
using WorkerApp.Run;

// Before anything else, and before Console above all: in a container without an init we run ourselves under one.
if (UnixInit.RunAsPid1(args) is int code)
    return code;

try
{
    return args switch
    {
        [] => await JobHost.RunAsync(withMetrics: false),
        ["--metrics"] => await JobHost.RunAsync(withMetrics: true),
        ["run", .. string[] rest] => await RunCommand.ExecuteAsync(RunArguments.Parse(rest)),
        _ => throw new UsageException($"unknown argument '{args[0]}'"),
    };
}
catch (UsageException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    return ExitCodes.Usage;
}
