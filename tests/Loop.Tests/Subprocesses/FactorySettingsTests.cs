namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>What a factory does otherwise when it is told to save time.</summary>
public sealed class FactorySettingsTests : SubprocessTest
{
    private const string Variable = "UNIXLOOP_TEST_SETTING";

    [Fact]
    public async Task StartOnLoop_StartOnTheLoop_HasHappenedAtTheReturn()
    {
        Factory.StartOnLoop = true;
        (ValueTask<ISubprocess> start, bool happened) = await Loop.InvokeAsync(() =>
        {
            ValueTask<ISubprocess> start = Factory.StartAsync(Shell("exit 3"));
            return (start, start.IsCompletedSuccessfully);
        });
        await using ISubprocess child = await start.AsTask().WaitAsync(TestTimeout);
        Assert.True(happened);
        Assert.Equal(3, (await child.WaitForExitAsync().WaitAsync(TestTimeout)).ExitCode);
    }

    [Fact]
    public async Task StartOnLoop_RunOnTheLoop_ContinuesThere()
    {
        Factory.StartOnLoop = true;
        (string output, bool stayed) = await Loop.InvokeAsync(async ValueTask<(string, bool)> () =>
        {
            SubprocessResult result = await Factory.RunAsync(Shell("echo here"));
            return (result.Output, Loop.IsOnLoopThread);
        }).WaitAsync(TestTimeout);
        Assert.Equal("here\n", output);
        Assert.True(stayed);
    }

    [Theory, InlineData(false, "new"), InlineData(true, "old")]
    public async Task CacheEnvironment_VariableChangedLater_ReachesTheChildOnlyIfNotSet(bool cache, string expected)
    {
        try
        {
            Environment.SetEnvironmentVariable(Variable, "old");
            Factory.CacheEnvironment = cache;
            Environment.SetEnvironmentVariable(Variable, "new");
            Assert.Equal(expected, await ReadVariableAsync());
            Assert.Equal(cache, Factory.CacheEnvironment);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
        }
    }

    [Fact]
    public async Task CacheEnvironment_SetAgain_ReadsAnew()
    {
        try
        {
            Factory.CacheEnvironment = true;
            Environment.SetEnvironmentVariable(Variable, "new");
            Factory.CacheEnvironment = true;
            Assert.Equal("new", await ReadVariableAsync());
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
        }
    }

    [Fact]
    public async Task CacheEnvironment_StartInfoEditsAndClears_AreObeyed()
    {
        Factory.CacheEnvironment = true;
        SubprocessStartInfo edited = Shell($"echo ${Variable} ${{HOME-unset}} $PATH");
        edited.Environment[Variable] = "edited";
        edited.Environment["HOME"] = null;
        Assert.Equal($"edited unset {Environment.GetEnvironmentVariable("PATH")}\n", (await RunAsync(edited)).Output);

        SubprocessStartInfo cleared = new("/usr/bin/env") { ClearEnvironment = true };
        Assert.Equal("", (await RunAsync(cleared)).Output);
    }

    [Fact]
    public async Task CacheEnvironment_ManyStarts_HandTheSameVariables()
    {
        SubprocessStartInfo env = new("/usr/bin/env", "-0");
        string[] read = Variables(await RunAsync(env));
        Factory.CacheEnvironment = true;
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(); // the block must not move
            Assert.Equal(read, Variables(await RunAsync(env)));
        }

        static string[] Variables(SubprocessResult result) => [.. result.Output.Split('\0').Order(StringComparer.Ordinal)];
    }

    private async Task<string> ReadVariableAsync() => (await RunAsync(Shell($"printf %s \"${Variable}\""))).Output;
}
