using System.Collections.Concurrent;
using System.Diagnostics;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>A sample, started as a user starts it: the built program, with its streams in our hands. Killed when disposed.</summary>
internal sealed class SampleProgram : IAsyncDisposable
{
    private readonly System.Diagnostics.Process _process;
    private readonly ConcurrentQueue<string> _lines = new();

    private SampleProgram(System.Diagnostics.Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    internal int Id => _process.Id;

    internal StreamWriter Input => _process.StandardInput;

    /// <summary>What it has written so far, standard output and standard error in one.</summary>
    internal string[] Lines => [.. _lines];

    /// <summary>The built program "WorkerApp" or "WebApp".</summary>
    internal static string PathOf(string sample) => Path.Combine(FolderOf(sample), sample);

    /// <summary>artifacts/bin/SAMPLE/CONFIGURATION, beside our own folder.</summary>
    internal static string FolderOf(string sample)
    {
        string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return Path.Combine(own, "../..", sample, Path.GetFileName(own));
    }

    internal static SampleProgram Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What the test platform sets for itself is not what a user has.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("DOTNET_", StringComparison.Ordinal) && name != "DOTNET_ROOT").ToArray())
            start.Environment.Remove(name);
        System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
        process.StandardInput.AutoFlush = true;
        return new SampleProgram(process);
    }

    internal void Kill(int signal) => TestLibc.Kill(Id, signal);

    /// <summary>Waits for a line that contains <paramref name="text"/>.</summary>
    internal void Expect(string text) => Expect(line => line.Contains(text, StringComparison.Ordinal), text);

    internal void Expect(Func<string, bool> isExpected, string expectation) =>
        Assert.True(Eventually.TryWait(() => _lines.Any(isExpected), TestTimeout), $"no '{expectation}' in:\n{this}");

    internal void ExpectSoon(Func<bool> condition) => Assert.True(Eventually.TryWait(condition, TestTimeout), $"not in time; the program said:\n{this}");

    internal int Count(string text) => _lines.Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>The exit code, once everything that was written has been read.</summary>
    internal async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TestTimeout);
        return _process.ExitCode;
    }

    public override string ToString() => string.Join('\n', _lines);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await WaitForExitAsync();
        // Process leaves streams open that were asked for.
        await _process.StandardInput.DisposeAsync();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is not null)
            _lines.Enqueue(line);
    }
}
