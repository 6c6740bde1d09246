using WorkerApp;
using WorkerApp.Init;
using WorkerApp.Jobs;
using WorkerApp.Probe;
using WorkerApp.Run;

// Before anything else, and before Console above all: in a container without an init we run ourselves under one; "init" is one itself.
if (args is not ["init" or "probe", ..] && InitCommand.RunAsPid1(args) is int code)
    return code;

if (args is ["--help" or "-h", ..] or ["init" or "run" or "probe", "--help" or "-h", ..])
{
    Console.WriteLine(UsageException.Usage);
    return 0;
}
try
{
    return args switch
    {
        [] => await JobHost.RunAsync(withMetrics: false),
        ["--metrics"] => await JobHost.RunAsync(withMetrics: true),
        ["init", .. string[] rest] => InitCommand.Execute(rest),
        ["run", .. string[] rest] => await RunCommand.ExecuteAsync(RunArguments.Parse(rest)),
        ["probe", { } path, { } question] => await ProbeCommand.ExecuteAsync(path, question),
        ["probe", ..] => throw new UsageException("probe: needs the socket's path, and live or ready"),
        _ => throw new UsageException($"unknown argument '{args[0]}'"),
    };
}
catch (UsageException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    return ExitCodes.Usage;
}
