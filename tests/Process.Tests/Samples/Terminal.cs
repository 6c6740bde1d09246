using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>A command on a terminal of its own, as the leader of its session (script(1)). What is typed echoes, as on any terminal.</summary>
internal sealed class Terminal : IAsyncDisposable
{
    internal const char CtrlC = '\x03', CtrlD = '\x04', CtrlZ = '\x1a', CtrlBackslash = '\x1c';

    private readonly System.Diagnostics.Process _script;
    private readonly StringBuilder _screen = new();
    private readonly Task _reading;

    private Terminal(System.Diagnostics.Process script)
    {
        _script = script;
        _reading = ReadAsync();
    }

    /// <param name="command">For sh(1). Begin with "exec" for a session without a shell.</param>
    internal static Terminal Open(string command)
    {
        ProcessStartInfo start = new(Requires.Tool("script"), ["--quiet", "--flush", "--return", "--command", command, "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment["TERM"] = "dumb";
        System.Diagnostics.Process script = System.Diagnostics.Process.Start(start)!;
        script.StandardInput.AutoFlush = true;
        return new Terminal(script);
    }

    /// <summary>Everything shown so far.</summary>
    internal string Screen
    {
        get
        {
            lock (_screen)
                return _screen.ToString();
        }
    }

    internal void Type(string text) => _script.StandardInput.Write(text);

    internal void Type(char key) => _script.StandardInput.Write(key);

    /// <summary>Waits until <paramref name="text"/> has been shown <paramref name="times"/> times.</summary>
    internal void Expect(string text, int times = 1) =>
        Assert.True(Eventually.TryWait(() => Count(text) >= times, TestTimeout), $"not {times} times '{text}' in:\n{Screen}");

    /// <summary>Waits until <paramref name="pattern"/> has been shown.</summary>
    internal Match Expect(Regex pattern)
    {
        Assert.True(Eventually.TryWait(() => pattern.IsMatch(Screen), TestTimeout), $"no '{pattern}' in:\n{Screen}");
        return pattern.Match(Screen);
    }

    internal int Count(string text)
    {
        string screen = Screen;
        int count = 0;
        for (int at = screen.IndexOf(text, StringComparison.Ordinal); at >= 0; at = screen.IndexOf(text, at + 1, StringComparison.Ordinal))
            count++;
        return count;
    }

    /// <summary>The command's exit code.</summary>
    internal async Task<int> WaitForExitAsync()
    {
        await _script.WaitForExitAsync().WaitAsync(TestTimeout);
        await _reading.WaitAsync(TestTimeout);
        return _script.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_script.HasExited)
            _script.Kill(entireProcessTree: true);
        await WaitForExitAsync();
        await _script.StandardInput.DisposeAsync();
        _script.StandardOutput.Dispose();
        _script.Dispose();
    }

    private async Task ReadAsync()
    {
        char[] buffer = new char[1024];
        for (int count; (count = await _script.StandardOutput.ReadAsync(buffer)) > 0;)
        {
            lock (_screen)
                _screen.Append(buffer, 0, count);
        }
    }
}
