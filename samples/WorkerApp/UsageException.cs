namespace WorkerApp;

/// <summary>The command line makes no sense.</summary>
internal sealed class UsageException(string mistake) : Exception($"WorkerApp: {mistake}\n{Usage}")
{
    internal const string Usage = """
        Usage: WorkerApp [--metrics]
                   runs the jobs of the appsettings.json beside the binary
               WorkerApp run [--timeout 5s [--grace 2s]] [--] COMMAND [ARGUMENTS…]
                   runs one command in the foreground, and ends as it ends
               WorkerApp init [-g] [-s] [-r FROM:TO] [--] COMMAND [ARGUMENTS…]
                   as PID 1 of a container: reaps orphans, passes signals on (-g: to the group, -r: one for another), ends as the
                   command ends; -s adopts orphans also where it is not PID 1
               WorkerApp probe SOCKET live|ready
                   asks the HealthSocket of a running WorkerApp; exit code 0 for yes, 1 for no
        """;
}
