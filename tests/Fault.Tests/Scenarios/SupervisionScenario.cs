using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Hosting;
using UnixLoop.TestSupport.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>
/// A supervised process is started with the host, killed from outside, started again, stopped by command, started again, and stopped with the host.
/// Whatever fails once, it comes back; each child's end is told, and none is left.
/// </summary>
internal sealed class SupervisionScenario : Scenario
{
    private const string ProcessName = "web";

    internal override string Name => "supervision";

    internal override bool HasChild => true;

    // What becomes of each errno is the other scenarios' matter; here a few stand for all.
    internal override bool CanHappen(string function, int errno) =>
        errno == EMFILE || errno == EIO || errno == EPERM || errno == ECHILD;

    /// <summary>A start is cancelled when its loop has died.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is UnauthorizedAccessException && fault is { Function: "kill" or "pidfd_send_signal", Kind: FaultKind.Fail }
        || exception is OperationCanceledException && fault is { Function: "epoll_wait", Kind: FaultKind.Fail };

    internal override async Task RunAsync(Rig rig)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<ILoggerFactory>(rig.Log);
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = Campaign.Bound / 2);
        builder.Services.AddUnixEventLoop(static options => options.ChildStopGrace = TimeSpan.FromSeconds(5)).AddSupervisedProcess(ProcessName, static options =>
        {
            options.FileName = "/bin/sh";
            options.Arguments.Add("-c");
            options.Arguments.Add("echo up; exec sleep 1000");
            options.ReadyPattern = "^up$";
            options.ReadyTimeout = TimeSpan.FromSeconds(5);
            options.RestartDelay = TimeSpan.Zero;
            options.MaxStarts = 0;
        });
        List<int> pids = [];
        try
        {
            using IHost host = builder.Build();
            await host.StartAsync();
            var supervisor = host.Services.GetRequiredService<ISupervisor>();
            if (!await UseAsync(rig, supervisor, pids))
                rig.Expect(rig.LoopMayFault, $"the process comes back: {supervisor.GetProcess(ProcessName)}, {string.Join("; ", supervisor.GetProcess(ProcessName).LastExits)}");
            await StopAsync(rig, host.StopAsync(), pids);
            SupervisedProcessStatus last = supervisor.GetProcess(ProcessName);
            rig.Expect(rig.LoopMayFault || last.State == SupervisedProcessState.Stopped, $"it is stopped: {last}");
        }
        finally
        {
            Environment.ExitCode = 0;
        }
    }

    private static async Task<bool> UseAsync(Rig rig, ISupervisor supervisor, List<int> pids)
    {
        if (!IsReady(supervisor, pids, but: null, out int first))
            return false;
        try
        {
            supervisor.Signal(ProcessName, UnixSignal.Kill);
        }
        catch (UnauthorizedAccessException) when (rig.SignalsMayBeForbidden)
        {
            TestLibc.Kill(first, UnixSignal.Kill.Number);
        }
        if (!IsReady(supervisor, pids, but: first, out int second))
            return false;
        SupervisedProcessStatus status = await StopAsync(rig, supervisor.StopAsync(ProcessName), pids);
        rig.Expect(status.State == SupervisedProcessState.Stopped, $"stopped by command: {status}");
        await supervisor.StartAsync(ProcessName).WaitAsync(Campaign.Bound);
        return IsReady(supervisor, pids, but: second, out _);
    }

    private static bool IsReady(ISupervisor supervisor, List<int> pids, int? but, out int pid)
    {
        int? seen = null;
        bool isReady = Eventually.TryWait(
            () => supervisor.GetProcess(ProcessName) is { State: SupervisedProcessState.Ready, ProcessId: { } id } && (seen = id) != but, Campaign.Bound / 4);
        pid = seen ?? 0;
        if (isReady)
            pids.Add(pid);
        return isReady;
    }

    /// <summary>One that may not be signalled is waited for (event 2309): its end is then ours to bring about.</summary>
    private static async Task<T> StopAsync<T>(Rig rig, Task<T> stopped, List<int> pids)
    {
        await StopAsync(rig, (Task)stopped, pids);
        return await stopped;
    }

    private static async Task StopAsync(Rig rig, Task stopped, List<int> pids)
    {
        if (rig.SignalsMayBeForbidden && !Eventually.TryWait(() => stopped.IsCompleted || rig.Log.Has("ProcessStopForbidden"), Campaign.Bound / 4))
            rig.Expect(false, "it ends, or the log says that it may not be stopped");
        if (!stopped.IsCompleted && rig.SignalsMayBeForbidden)
            KillIfThere(pids[^1]);
        await stopped.WaitAsync(Campaign.Bound);
    }

    private static void KillIfThere(int pid)
    {
        try
        {
            TestLibc.Kill(pid, UnixSignal.Kill.Number);
        }
        catch (IOException)
        {
            // TERM had reached it, and what was forbidden was the CONT behind it.
        }
    }
}
