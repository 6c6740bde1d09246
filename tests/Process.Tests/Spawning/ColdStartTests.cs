using System.Reflection;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Spawning;

/// <summary>A process without descriptors meets the library for the first time: nothing of it has run, or even been compiled, before.</summary>
public sealed class ColdStartTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Start_FirstOfTheProcess_NoDescriptorsLeft_SaysSoAndWorksLater(int free)
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(StartAsync, [$"{free}"], FullPool.Via);
        await scenario.ExpectAsync("begin");
        // Two pipes are four descriptors. With more, the child is there, and the runtime lacks those that its threads need.
        Assert.Equal("NoDescriptors EMFILE", await scenario.ReadLineAsync());
        Assert.Equal("exit code 3, no descriptor left", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    [Fact]
    public async Task Loop_FirstOfTheProcess_NoDescriptorsLeft_SaysSoAndWorksLater()
    {
        await using ScenarioProcess scenario = ScenarioProcess.Start(LoopAsync, via: FullPool.Via);
        Assert.StartsWith("EMFILE: ", await scenario.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("runs", await scenario.ReadLineAsync());
        await scenario.EndWellAsync();
    }

    internal static async Task LoopAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        LoadAssemblies();
        int limit = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(LimitWith(0));
        string error = "";
        try
        {
            using UnixEventLoop none = new();
            await none.StartAsync();
        }
        catch (IOException e)
        {
            error = e.Message;
        }
        TestLibc.SetDescriptorLimit(limit);
        Scenario.Say(error);
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        await loop.InvokeAsync(() => Scenario.Say("runs"));
    }

    internal static async Task StartAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        LoadAssemblies();
        Scenario.Say("begin"); // the runtime opens its signal pipe with the console
        await using UnixEventLoop loop = new();
        await loop.StartAsync();
        using PidfdChildWatcher watcher = new();
        watcher.Attach(loop);
        await using SubprocessFactory factory = new(loop, watcher);

        int before = OwnDescriptors(), limit = TestLibc.GetDescriptorLimit();
        TestLibc.SetDescriptorLimit(LimitWith(int.Parse(args[0])));
        string said;
        try
        {
            said = await RunAsync(factory);
        }
        catch (SubprocessStartException e)
        {
            said = $"{e.Reason} {e.Message.Split(':')[0]}";
        }
        TestLibc.SetDescriptorLimit(limit);
        Scenario.Say(said);
        string later = await RunAsync(factory);
        Eventually.True(() => OwnDescriptors() == before, "no descriptor is left");
        Scenario.Say($"{later}, no descriptor left");
    }

    private static async Task<string> RunAsync(SubprocessFactory factory)
    {
        SubprocessStartInfo info = new("/bin/sh", "-c", "cat; exit 3") { Input = Stdio.Pipe, Output = Stdio.Pipe, Error = Stdio.Inherit };
        await using ISubprocess child = await factory.StartAsync(info);
        await child.Input.CompleteAsync();
        return (await child.WaitForExitAsync().WaitAsync(TestTimeout)).ToString();
    }

    /// <summary>The runtime opens an assembly's file when it is first needed, and says "not found" where it can't.</summary>
    private static void LoadAssemblies()
    {
        HashSet<string> loaded = [];
        Load(typeof(UnixEventLoop).Assembly);
        Load(typeof(ColdStartTests).Assembly);

        void Load(Assembly assembly)
        {
            foreach (AssemblyName name in assembly.GetReferencedAssemblies())
            {
                if (!loaded.Add(name.FullName) || assembly.FullName!.StartsWith("xunit", StringComparison.Ordinal))
                    continue;
                try
                {
                    Load(Assembly.Load(name));
                }
                catch (IOException)
                {
                    // referenced, and not shipped with the tests
                }
            }
        }
    }

    /// <summary>The limit under which so many more can be opened: the kernel takes the lowest free numbers first.</summary>
    private static int LimitWith(int free)
    {
        for (int number = 0; ; number++)
        {
            if (!IsOpen(number) && free-- == 0)
                return number;
        }
    }

    /// <summary>Pipes and pidfds; the runtime opens files and keeps them whenever it likes.</summary>
    private static int OwnDescriptors() => Enumerable.Range(0, 1024)
        .Where(IsOpen)
        .Count(number => new FileInfo($"/proc/self/fd/{number}").LinkTarget is { } target && (target.StartsWith("pipe:", StringComparison.Ordinal) || target.Contains("pidfd", StringComparison.Ordinal)));

    private static bool IsOpen(int number) => Path.Exists($"/proc/self/fd/{number}");
}
