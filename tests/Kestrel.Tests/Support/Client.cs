using System.Diagnostics;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>A program that somebody else wrote.</summary>
internal static class Client
{
    /// <summary>Runs it to its end; what it wrote to standard output. It must succeed.</summary>
    internal static async Task<string> RunAsync(string tool, params string[] arguments)
    {
        (int exit, string output, string error) = await TryRunAsync(tool, arguments);
        Assert.True(exit == 0, $"{tool} {string.Join(' ', arguments)}: exit code {exit}\n{output}\n{error}");
        return output;
    }

    internal static async Task<(int Exit, string Output, string Error)> TryRunAsync(string tool, params string[] arguments)
    {
        ProcessStartInfo start = new(Requires.Tool(tool), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TestTimeout);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        // Process leaves streams open that were asked for.
        using StreamReader outputStream = process.StandardOutput, errorStream = process.StandardError;
        return (process.ExitCode, await output, await error);
    }
}
