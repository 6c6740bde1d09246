namespace UnixLoop.Loop.Tests.Spawning;

/// <summary>A folder of its own for each test, and the check that no descriptor and no child is left.</summary>
public abstract class SpawningTest : IDisposable
{
    private readonly LeakCheck _leaks = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("spawning");

    protected string Folder => _folder.FullName;

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        _leaks.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A file in <see cref="Folder"/>; executable unless <paramref name="mode"/> says otherwise.</summary>
    protected string NewFile(string name, string content, UnixFileMode mode = (UnixFileMode)0b111_101_101)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(path, mode);
        return path;
    }

    /// <summary>A script that writes its own path as it was called, and <paramref name="text"/>.</summary>
    protected string NewScript(string name, string text) => NewFile(name, $"#!/bin/sh\necho {text}\n");
}
