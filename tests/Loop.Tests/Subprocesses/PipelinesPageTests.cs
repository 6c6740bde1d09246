using System.Text;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>The examples of docs/pipelines.md.</summary>
public sealed class PipelinesPageTests : SubprocessTest
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pipelines");

    [Fact]
    public async Task Pipelines_Example_Works()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "a.log"), "1\n2\n");
        File.WriteAllText(Path.Combine(_folder.FullName, "b.log"), "1\n");
        SubprocessPipeline longest = new(
            new("find", _folder.FullName, "-name", "*.log"),
            new("xargs", "wc", "-l"),
            new("sort", "-n"));
        SubprocessResult result = await Factory.RunAsync(longest).WaitAsync(TestTimeout);
        Assert.Equal(["1", "2", "3"], result.EnsureSuccess().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim().Split(' ')[0]));
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task SourcesAndTargets_Example_Works()
    {
        static async IAsyncEnumerable<string> ReadRowsAsync()
        {
            yield return "row";
            await Task.CompletedTask;
        }
        List<string> log = [];
        string path = Path.Combine(_folder.FullName, "backup.gz");
        await using (FileStream archive = File.Create(path))
        {
            SubprocessResult packed = await RunAsync(
                new("gzip", "-c"),
                new()
                {
                    Input = SubprocessInput.FromLines(ReadRowsAsync()),
                    Output = SubprocessOutput.ToStream(archive),
                    Error = SubprocessOutput.ToLines((line, _) =>
                    {
                        log.Add($"gzip: {line.Text}");
                        return ValueTask.CompletedTask;
                    }),
                });
            packed.EnsureSuccess();
        }
        Assert.Empty(log);
        Assert.Equal("row\n", (await RunAsync(new("gzip", "-dc", path))).Output);
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task ShellTreesAndDetached_Examples_Work()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "a.log"), "x y\nz\n");
        SubprocessStartInfo count = SubprocessStartInfo.Shell("grep -c \"$1\" *.log | sort -t: -k2 -n", "x y");
        count.WorkingDirectory = _folder.FullName;
        Assert.Equal("1\n", (await RunAsync(count)).Output);

        await using ISubprocess child = await StartAsync(Sleep());
        (ChildExitStatus exit, IReadOnlyList<SurvivingProcess> survivors) = await child.StopTreeAsync(TimeSpan.FromSeconds(5)).WaitAsync(TestTimeout);
        Assert.Equal((UnixSignal.Term, 0), (exit.Signal, survivors.Count));

        string path = Path.Combine(_folder.FullName, "indexer.log");
        int pid = await Factory.StartDetachedAsync(new("/bin/echo", "--once") { Output = Stdio.File(path, append: true), Error = Stdio.AsOutput });
        Eventually.True(() => File.ReadAllText(path, Encoding.ASCII) == "--once\n" && StateOf(pid) is null, "it has run");
        _folder.Delete(recursive: true);
    }
}
