using System.Text.Json.Nodes;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>A copy of the built WorkerApp with an appsettings.json of its own. Deleted when disposed.</summary>
internal sealed class WorkerFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("worker-").FullName;

    internal WorkerFolder()
    {
        string built = SampleProgram.FolderOf("WorkerApp");
        foreach (string file in Directory.GetFiles(built, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(_folder, Path.GetRelativePath(built, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    internal string Program => Path.Combine(_folder, "WorkerApp");

    private string Settings => Path.Combine(_folder, "appsettings.json");

    /// <summary>Edits the file as an editor does: another file takes its name.</summary>
    internal void Edit(Action<JsonObject> edit)
    {
        JsonObject settings = JsonNode.Parse(File.ReadAllText(Settings))!.AsObject();
        edit(settings);
        Replace(settings.ToJsonString());
    }

    internal void Replace(string text)
    {
        File.WriteAllText(Settings + "~", text);
        File.Move(Settings + "~", Settings, overwrite: true);
    }

    /// <summary>Makes these the only jobs.</summary>
    internal void SetJobs(params (string Name, string Script, string? Every)[] jobs) => Edit(settings =>
    {
        JsonObject all = [];
        foreach ((string name, string script, string? every) in jobs)
        {
            JsonObject job = new() { ["Command"] = new JsonArray("sh", "-c", script) };
            if (every is null)
                job["KeepRunning"] = true;
            else
                job["Every"] = every;
            all[name] = job;
        }
        settings["Worker"]!["Jobs"] = all;
    });

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
