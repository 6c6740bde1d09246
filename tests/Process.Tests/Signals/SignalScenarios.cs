using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Signals;

internal static class SignalScenarios
{
    private static void Raise(UnixSignal signal) => TestLibc.Kill(Environment.ProcessId, signal.Number);

    private static async Task<UnixEventLoop> StartLoopAsync(ILoggerFactory? loggerFactory = null)
    {
        var loop = new UnixEventLoop(new UnixEventLoopSettings { LoggerFactory = loggerFactory });
        await loop.StartAsync();
        return loop;
    }

    /// <summary>Handles the signal named by the first argument, says each call, and on each line removes the handler or stops the loop.</summary>
    internal static async Task HandleAsync(string[] args)
    {
        var signal = UnixSignal.Parse(args[0]);
        await using UnixEventLoop loop = await StartLoopAsync();
        loop.AddSignalHandler(signal, () => Scenario.Say($"handled {signal}"));
        Scenario.Say("ready");
        while (await Console.In.ReadLineAsync() is { } command)
        {
            if (command == "stop")
                await loop.StopAsync();
            Scenario.Say(command == "remove" ? $"removed {loop.RemoveSignalHandler(signal)}" : "stopped");
        }
    }

    /// <summary>Run by nohup(1).</summary>
    internal static async Task HandleIgnoredHangUpAsync(string[] args)
    {
        using var logs = new FakeLoggerProvider();
        using var loggerFactory = new LoggerFactory([logs]);
        await using UnixEventLoop loop = await StartLoopAsync(loggerFactory);
        loop.AddSignalHandler(UnixSignal.Hup, () => Scenario.Say("handled SIGHUP"));
        Assert.Contains(logs.Collector.GetSnapshot(), record => record.Id.Name == "SignalIgnored" && record.Level == LogLevel.Information
            && record.Message.Contains("SIGHUP", StringComparison.Ordinal));
        Assert.True(TestLibc.IsSignalIgnored(1));
        Raise(UnixSignal.Hup);

        Assert.True(loop.RemoveSignalHandler(UnixSignal.Hup));
        Assert.True(TestLibc.IsSignalIgnored(1));
        Raise(UnixSignal.Hup);
        await loop.InvokeAsync(() => Scenario.Say("still here"));
    }

    internal static async Task HandleChildSignalThatWasIgnoredAsync(string[] args)
    {
        TestLibc.IgnoreSignal(17);
        await using UnixEventLoop loop = await StartLoopAsync();
        var told = new TaskCompletionSource();
        loop.AddSignalHandler(UnixSignal.Chld, () => told.TrySetResult());
        Raise(UnixSignal.Chld);
        await told.Task.WaitAsync(TestTimeout);
    }

    internal static async Task RefuseChildSignalThatTheRuntimeTookOverIgnoredAsync(string[] args)
    {
        TestLibc.IgnoreSignal(17);
        using PosixSignalRegistration? registration = args[0] == "registration" ? PosixSignalRegistration.Create((PosixSignal)17, _ => { }) : null;
        using System.Diagnostics.Process? process = args[0] == "process" ? System.Diagnostics.Process.Start("true") : null;
        await using UnixEventLoop loop = await StartLoopAsync();
        var e = Assert.Throws<InvalidOperationException>(() => loop.AddSignalHandler(UnixSignal.Chld, () => { }));
        Assert.Contains("was ignored when the process began", e.Message, StringComparison.Ordinal);
        Assert.False(loop.RemoveSignalHandler(UnixSignal.Chld));
        Assert.False(TestLibc.IsSignalIgnored(17)); // children leave a status now, whoever asks
    }

    /// <summary>Run as PID 1 of a namespace.</summary>
    internal static async Task RefuseChildSignalAsPid1Async(string[] args)
    {
        Assert.Equal(1, Environment.ProcessId);
        await using UnixEventLoop loop = await StartLoopAsync();
        var e = Assert.Throws<InvalidOperationException>(() => loop.AddSignalHandler(UnixSignal.Chld, () => { }));
        Assert.Contains("PID 1", e.Message, StringComparison.Ordinal);
        Assert.False(loop.RemoveSignalHandler(UnixSignal.Chld));

        var told = new TaskCompletionSource();
        loop.AddSignalHandler(UnixSignal.Usr1, told.SetResult);
        Raise(UnixSignal.Usr1);
        await told.Task.WaitAsync(TestTimeout);
        Scenario.Say("refused");
    }

    /// <summary>Its loop ends while the process exits; a SIGTERM after that must not cut the exit short.</summary>
    internal static async Task ExitAsync(string[] args)
    {
        UnixEventLoop loop = await StartLoopAsync();
        loop.AddSignalHandler(UnixSignal.Term, () => Scenario.Say("handled SIGTERM"));
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            loop.Dispose();
            // Registered after the loop's, so that its answer shows that SIGTERM has come this far.
            using var told = new ManualResetEventSlim();
            using PosixSignalRegistration witness = PosixSignalRegistration.Create((PosixSignal)10, context => { context.Cancel = true; told.Set(); });
            Raise(UnixSignal.Term);
            Raise(UnixSignal.Usr1);
            Scenario.Say($"survived {told.Wait(TestTimeout)}");
        };
        Environment.Exit(7);
    }
}
