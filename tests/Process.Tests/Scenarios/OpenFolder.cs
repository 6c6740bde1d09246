namespace UnixLoop.Process.Tests.Scenarios;

/// <summary>A copy of the tests' folder that every user may read, as a scenario of another user needs it. Deleted when disposed.</summary>
internal sealed class OpenFolder : IDisposable
{
    private const UnixFileMode OpenToAll = (UnixFileMode)0b111_101_101;

    internal OpenFolder() => Copy(AppContext.BaseDirectory, Name);

    internal string Name { get; } = Directory.CreateTempSubdirectory("open-").FullName;

    public void Dispose() => Directory.Delete(Name, recursive: true);

    private static void Copy(string from, string to)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        Directory.CreateDirectory(to);
        File.SetUnixFileMode(to, OpenToAll);
        foreach (string file in Directory.EnumerateFiles(from))
        {
            string copy = Path.Combine(to, Path.GetFileName(file));
            File.Copy(file, copy);
            File.SetUnixFileMode(copy, OpenToAll);
        }
        foreach (string folder in Directory.EnumerateDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
