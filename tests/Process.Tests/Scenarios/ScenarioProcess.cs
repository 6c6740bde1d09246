using System.Diagnostics;
using System.Text;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Scenarios;

/// <summary>A scenario in a process of its own, seen from its test. Killed when disposed.</summary>
internal sealed class ScenarioProcess : IAsyncDisposable
{
    private readonly System.Diagnostics.Process _process;
    private readonly Task<string> _errors;

    private ScenarioProcess(System.Diagnostics.Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    internal int ProcessId => _process.Id;

    /// <param name="scenario">A static method of this assembly.</param>
    /// <param name="args">Handed to it.</param>
    /// <param name="via">A program with arguments that executes the scenario, such as "nohup"; empty for none.</param>
    /// <param name="folder">Where a copy of our own folder is; null for that itself.</param>
    /// <param name="belowInit">Whether the process runs the scenario as its child if it is PID 1 (<see cref="UnixInit"/>).</param>
    /// <param name="byDotnet">Whether dotnet(1) runs the assembly, rather than the apphost itself.</param>
    internal static ScenarioProcess Start(
        Func<string[], Task> scenario, string[]? args = null, string[]? via = null, string? folder = null, bool belowInit = false, bool byDotnet = false)
    {
        string apphost = Path.Combine(folder ?? AppContext.BaseDirectory, typeof(ScenarioProcess).Assembly.GetName().Name!);
        string[] command =
        [
            .. via ?? [],
            .. byDotnet ? (string[])["dotnet", apphost + ".dll"] : [apphost],
            belowInit ? Program.ScenarioBelowInitSwitch : Program.ScenarioSwitch, scenario.Method.DeclaringType!.FullName!, scenario.Method.Name,
            .. args ?? [],
        ];
        var process = System.Diagnostics.Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.AutoFlush = true;
        return new ScenarioProcess(process);
    }

    /// <summary>Starts one that has said <paramref name="line"/>.</summary>
    internal static async Task<ScenarioProcess> StartAndExpectAsync(string line, Func<string[], Task> scenario, string[]? args = null, string[]? via = null)
    {
        ScenarioProcess process = Start(scenario, args, via);
        try
        {
            await process.ExpectAsync(line);
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next line that the scenario says.</summary>
    internal async Task<string> ReadLineAsync(TimeSpan? bound = null) =>
        await _process.StandardOutput.ReadLineAsync().WaitAsync(bound ?? TestTimeout)
        ?? throw new EndOfStreamException($"the scenario ended ({await WaitForExitAsync()}): {await _errors}");

    /// <summary>Reads on until the scenario has said all of <paramref name="lines"/>, in whatever order.</summary>
    internal async Task ExpectAsync(params string[] lines)
    {
        var before = new StringBuilder();
        List<string> missing = [.. lines];
        while (missing.Count > 0)
        {
            string said = await ReadLineAsync();
            missing.Remove(said);
            before.AppendLine(said);
            Assert.False(before.Length > 100_000, $"no '{string.Join("', '", missing)}' in {before}");
        }
    }

    /// <summary>All that it says from now to its end.</summary>
    internal async Task<string[]> ReadToEndAsync() =>
        (await _process.StandardOutput.ReadToEndAsync().WaitAsync(TestTimeout)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    internal Task WriteLineAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    internal void Kill(int signal) => TestLibc.Kill(_process.Id, signal);

    /// <summary>Closes the scenario's standard input, which <see cref="Scenario.WaitForEndAsync"/> waits for.</summary>
    internal void End() => _process.StandardInput.Close();

    /// <summary>The exit code; 128+n after signal n.</summary>
    internal async Task<int> WaitForExitAsync(TimeSpan? bound = null)
    {
        await _process.WaitForExitAsync().WaitAsync(bound ?? TestTimeout);
        return _process.ExitCode;
    }

    /// <summary>It says <paramref name="line"/> and ends with <paramref name="exitCode"/>, of itself.</summary>
    internal async Task ExpectEndAsync(string line, int exitCode)
    {
        await ExpectAsync(line);
        Assert.Equal(exitCode, await WaitForExitAsync());
    }

    /// <summary>Reads on to a line that begins with <paramref name="beginning"/>.</summary>
    internal async Task<string> ReadToLineAsync(string beginning)
    {
        string line;
        do
            line = await ReadLineAsync();
        while (!line.StartsWith(beginning, StringComparison.Ordinal));
        return line;
    }

    /// <summary>Ends the scenario and fails unless it ended well.</summary>
    internal async Task EndWellAsync(TimeSpan? bound = null)
    {
        End();
        int code = await WaitForExitAsync(bound);
        Assert.True(code == 0, $"exit code {code}: {await _errors.WaitAsync(TestTimeout)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(TestTimeout);
        // Process leaves streams that were asked for to whoever asked.
        _process.StandardInput.Dispose();
        _process.StandardOutput.Dispose();
        _process.StandardError.Dispose();
        _process.Dispose();
    }
}
