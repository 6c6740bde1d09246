namespace WorkerApp;

/// <summary>The command line makes no sense.</summary>
internal sealed class UsageException(string mistake) : Exception($"""
    WorkerApp: {mistake}
    Usage: WorkerApp [--metrics]
               runs the jobs of the appsettings.json beside the binary
           WorkerApp run [--timeout 5s] [--grace 2s] [--] COMMAND [ARGUMENTS…]
               runs one command in the foreground, and ends as it ends
    """);
