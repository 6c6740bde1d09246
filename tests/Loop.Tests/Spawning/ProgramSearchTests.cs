namespace UnixLoop.Loop.Tests.Spawning;

public sealed class ProgramSearchTests : SpawningTest
{
    [Fact]
    public void Search_NameWithoutSlash_TakesTheFirstInTheChildsPath()
    {
        NewScript("a/tool", "a");
        NewScript("b/tool", "b");
        Assert.Equal(["b"], Find("tool", $"/nowhere:{Folder}/b:{Folder}/a"));
        Assert.Equal(["a"], Find("tool", $"{Folder}/a:{Folder}/b"));
    }

    [Fact]
    public void Search_OurPath_DoesNotCountWhenTheChildHasItsOwn()
    {
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Find("sh", Folder));
        Assert.Equal(SubprocessStartError.NotFound, e.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Search_ChildWithoutPath_LooksWhereExecvpDoes(bool cleared)
    {
        SubprocessStartInfo info = new("sh", "-c", "echo found") { ClearEnvironment = cleared, Environment = { ["PATH"] = null } };
        Assert.Equal(["found"], Spawned.Lines(info));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":/nowhere")]
    [InlineData("/nowhere::/nowhere")]
    [InlineData("/nowhere:")]
    [InlineData(".")]
    [InlineData("../here")]
    public void Search_EmptyAndRelativeElements_CountFromTheChildsWorkingDirectory(string path)
    {
        NewScript("here/tool", "found");
        Assert.Equal(["found"], Find("tool", path, $"{Folder}/here"));
    }

    [Fact]
    public void Search_RelativeWorkingDirectory_CountsFromOurs()
    {
        NewScript("here/tool", "found");
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, $"{Folder}/here");
        Assert.Equal(["found"], Find("tool", ".", relative));
    }

    [Fact]
    public void Search_DirectoriesAndFilesWithoutPermission_AreSkipped()
    {
        Directory.CreateDirectory($"{Folder}/directory/tool");
        NewFile("data/tool", "#!/bin/sh\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        NewFile("orphan/tool", "#!/no/such/interpreter\n");
        NewScript("good/tool", "found");
        Assert.Equal(["found"], Find("tool", $"{Folder}/directory:{Folder}/data:{Folder}/orphan:{Folder}/good"));
    }

    [Fact]
    public void Search_OnlyAFileWithoutPermission_IsNotExecutable()
    {
        string file = NewFile("data/tool", "#!/bin/sh\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        NewFile("orphan/tool", "#!/no/such/interpreter\n");
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Find("tool", $"{Folder}/orphan:{Folder}/data:/nowhere"));
        Assert.Equal(SubprocessStartError.NotExecutable, e.Reason);
        Assert.Equal($"EACCES: can't start 'tool': '{file}' has no execute permission for us (mode 0600)", e.Message);
    }

    [Fact]
    public void Search_NothingFound_NamesThePathThatWasSearched()
    {
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Find("ffmpge", "/usr/bin:/bin"));
        Assert.Equal("ENOENT: can't start 'ffmpge': no such file in PATH /usr/bin:/bin", e.Message);
        Assert.Equal((SubprocessStartError.NotFound, "ffmpge", "ENOENT"), (e.Reason, e.FileName, e.ErrorName));
    }

    [Fact]
    public void Search_NothingFoundWithoutPath_NamesTheDefault()
    {
        SubprocessStartInfo info = new("ffmpge") { ClearEnvironment = true };
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(info));
        Assert.Equal("ENOENT: can't start 'ffmpge': no such file in PATH /bin:/usr/bin", e.Message);
    }

    [Fact]
    public void Search_ElementLongerThanAnyPath_IsSkipped()
    {
        NewScript("good/tool", "found");
        foreach (int length in new[] { 4_090, 4_091, 4_095, 4_096, 5_000, 100_000 })
            Assert.Equal(["found"], Find("tool", $"/{new string('x', length - 1)}:{Folder}/good"));
    }

    [Fact]
    public void Search_NameLongerThanAnyPath_IsNotFound()
    {
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Find(new string('x', 5_000), "/bin"));
        Assert.Equal(SubprocessStartError.NotFound, e.Reason);
    }

    private static string[] Find(string name, string path, string? workingDirectory = null) =>
        Spawned.Lines(new SubprocessStartInfo(name) { WorkingDirectory = workingDirectory, Environment = { ["PATH"] = path } });
}
