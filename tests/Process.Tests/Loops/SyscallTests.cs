using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Loops;

/// <summary>The loop makes no needless system call: counted by strace(1) over a whole process, its start included.</summary>
public sealed class SyscallTests : IDisposable
{
    private const int Operations = 20_000;
    private readonly string _summary = Path.GetTempFileName();

    public void Dispose() => File.Delete(_summary);

    [Fact]
    public async Task Post_WhileTheLoopIsBusy_WritesNoEventFd()
    {
        Dictionary<string, int> calls = await CountAsync(SyscallScenarios.PostWhileBusyAsync, $"run {Operations}");
        Assert.InRange(calls["write"], 1, Operations / 20); // the start and the first wake-up need some
    }

    [Fact]
    public async Task Turn_WithAReadyDescriptor_IsOneCall()
    {
        Dictionary<string, int> calls = await CountAsync(SyscallScenarios.TurnAsync, "done");
        Assert.InRange(calls["epoll_wait"], Operations, Operations + Operations / 20);
        foreach (string perTurn in (string[])["write", "read", "epoll_ctl", "clock_gettime"])
            Assert.InRange(calls.GetValueOrDefault(perTurn), 0, Operations / 20);
    }

    [Fact]
    public async Task PollBeforeBlocking_SlowTraffic_LetsTheCoreSleep()
    {
        const int Ticks = 150;
        Dictionary<string, int> calls = await CountAsync(SyscallScenarios.SlowTrafficAsync, "done", Ticks);
        // A poll of 1 ms is dozens of calls: a few polls at the start are allowed, one for each tick is not.
        Assert.InRange(calls["epoll_wait"], Ticks, 4 * Ticks);
    }

    private async Task<Dictionary<string, int>> CountAsync(Func<string[], Task> scenario, string says, int operations = Operations)
    {
        string strace = Requires.Tool("strace");
        await using (ScenarioProcess process = ScenarioProcess.Start(scenario, [$"{operations}"], via: [strace, "-f", "-c", "-U", "calls,name", "-o", _summary]))
        {
            await process.ExpectAsync(says);
            await process.EndWellAsync();
        }
        // "    20012 epoll_wait", under a headline and over a total.
        return File.ReadLines(_summary)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length == 2 && int.TryParse(fields[0], out _))
            .ToDictionary(fields => fields[1], fields => int.Parse(fields[0]));
    }
}
