using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UnixLoop.Hosting;

namespace UnixLoop.AotSmoke;

/// <summary>A host with a loop runs a child, hears a signal, and stops at SIGTERM.</summary>
internal static class HostCheck
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    internal static async Task RunAsync()
    {
        var heard = new TaskCompletionSource();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddUnixEventLoop().OnSignal(UnixSignal.Usr1, (_, _) =>
        {
            heard.TrySetResult();
            return Task.CompletedTask;
        }).AddSupervisedProcess("sleeper", options =>
        {
            options.FileName = "sh";
            options.Arguments.Add("-c");
            options.Arguments.Add("echo up; exec sleep 1000");
            options.ReadyPattern = "^up$";
        });
        builder.Services.AddUnixEventLoop("second");
        builder.Services.AddHealthChecks().AddUnixEventLoop();
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(Bound);

        ISubprocessFactory subprocesses = host.Services.GetRequiredService<ISubprocessFactory>();
        SubprocessResult echo = await subprocesses.RunAsync(new SubprocessStartInfo("echo", "hello")).WaitAsync(Bound);
        Check.That(echo.EnsureSuccess().Output == "hello\n", "echo says hello");

        SubprocessStartInfo masked = new("sh", "-c", "umask") { Attributes = new() { Umask = UnixFileMode.OtherWrite } };
        if (masked.Attributes.WhyUnavailable() is null) // a build without a C compiler has no native helper
            Check.That((await subprocesses.RunAsync(masked).WaitAsync(Bound)).EnsureSuccess().Output == "0002\n", "the native helper sets the umask");

        ISupervisor supervisor = host.Services.GetRequiredService<ISupervisor>();
        SupervisedProcessStatus sleeper = await supervisor.RestartAsync("sleeper").WaitAsync(Bound);
        Check.That(sleeper.State == SupervisedProcessState.Ready, $"the supervised process is ready: {sleeper}");

        var second = host.Services.GetRequiredKeyedService<IUnixEventLoop>("second");
        Check.That(await second.InvokeAsync(() => Thread.CurrentThread.Name).WaitAsync(Bound) == "second", "the second loop has its own thread");

        await SignalOurselvesAsync(subprocesses, UnixSignal.Usr1);
        await heard.Task.WaitAsync(Bound);

        Task stopped = host.WaitForShutdownAsync();
        await SignalOurselvesAsync(subprocesses, UnixSignal.Term);
        await stopped.WaitAsync(Bound);
        Check.That(supervisor.GetProcess("sleeper").State == SupervisedProcessState.Stopped, "the supervised process has stopped");
    }

    /// <summary>By a child that waits until its start is done: at TERM no further start is.</summary>
    private static async Task SignalOurselvesAsync(ISubprocessFactory subprocesses, UnixSignal signal)
    {
        await using ISubprocess child = await subprocesses.StartAsync(
            new SubprocessStartInfo("sh", "-c", $"read go; kill -{signal.Number} {Environment.ProcessId}") { Input = Stdio.Pipe });
        await child.Input.WriteAsync("go\n"u8.ToArray());
        await child.WaitForExitAsync().WaitAsync(Bound);
    }
}
