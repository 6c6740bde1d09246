namespace UnixLoop.TestSupport;

/// <summary>Says what a test needs beyond the .NET SDK. Where that is missing the test is skipped, or fails if CI=true.</summary>
internal static class Requires
{
    internal static void That(bool condition, string need)
    {
        if (condition)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail($"needs {need}, which must be there when CI=true");
        Assert.Skip($"needs {need}");
    }

    internal static void Root() => That(Environment.IsPrivilegedProcess, "root");

    /// <summary>Returns the full path of the program <paramref name="name"/>.</summary>
    internal static string Tool(string name)
    {
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
        That(path is not null, $"the program {name} in PATH");
        return path!;
    }

    /// <summary>The running kernel's version is at least <paramref name="major"/>.<paramref name="minor"/>.</summary>
    internal static void Kernel(int major, int minor) =>
        That(Environment.OSVersion.Version >= new Version(major, minor), $"Linux {major}.{minor} or later");
}
