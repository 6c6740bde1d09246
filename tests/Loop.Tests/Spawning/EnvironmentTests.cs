namespace UnixLoop.Loop.Tests.Spawning;

public sealed class EnvironmentTests : SpawningTest
{
    private const string Name = "UNIXLOOP_SPAWNING_TEST";

    [Fact]
    public void Environment_Inherited_IsWhatTheAppSeesNow()
    {
        // Set in the runtime alone: libc's own environ knows nothing of it.
        using var variable = new Variable(Name, "ä=€");
        Assert.Equal([$"{Name}=ä=€"], With(Name, new SubprocessStartInfo("env")));
    }

    [Fact]
    public void Environment_Edited_ReplacesAddsAndRemoves()
    {
        using var kept = new Variable($"{Name}_KEPT", "1");
        using var replaced = new Variable($"{Name}_REPLACED", "1");
        using var removed = new Variable($"{Name}_REMOVED", "1");
        SubprocessStartInfo info = new("env")
        {
            Environment = { [$"{Name}_REPLACED"] = "2", [$"{Name}_REMOVED"] = null, [$"{Name}_ADDED"] = "", [$"{Name}_NEVER"] = null },
        };
        Assert.Equal([$"{Name}_ADDED=", $"{Name}_KEPT=1", $"{Name}_REPLACED=2"], With(Name, info).Order());
    }

    [Fact]
    public void Environment_Cleared_HasOnlyItsOwn()
    {
        SubprocessStartInfo info = new("/usr/bin/env") { ClearEnvironment = true, Environment = { ["A"] = "1", ["B"] = null } };
        Assert.Equal(["A=1"], Spawned.Lines(info));
    }

    [Fact]
    public void Rule30_ServiceManagersVariables_ReachNoChildUnlessAsked()
    {
        string[] names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
        Variable[] variables = [.. names.Select(name => new Variable(name, "ours"))];
        try
        {
            SubprocessStartInfo info = new("env");
            Assert.DoesNotContain(Spawned.Lines(info), line => names.Contains(line.Split('=')[0]));
            info.Environment["NOTIFY_SOCKET"] = "asked";
            info.Environment["LISTEN_FDS"] = "1";
            Assert.Equal(["LISTEN_FDS=1", "NOTIFY_SOCKET=asked"], Spawned.Lines(info).Where(line => names.Contains(line.Split('=')[0])).Order());
        }
        finally
        {
            Array.ForEach(variables, variable => variable.Dispose());
        }
    }

    private static string[] With(string prefix, SubprocessStartInfo info) =>
        [.. Spawned.Lines(info).Where(line => line.StartsWith(prefix, StringComparison.Ordinal))];

    private sealed class Variable : IDisposable
    {
        private readonly string _name;
        private readonly string? _before;

        internal Variable(string name, string value)
        {
            _name = name;
            _before = Environment.GetEnvironmentVariable(name);
            Environment.SetEnvironmentVariable(name, value);
        }

        public void Dispose() => Environment.SetEnvironmentVariable(_name, _before);
    }
}
