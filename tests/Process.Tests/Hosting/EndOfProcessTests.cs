using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>Signals between the end of a host's loops and the end of its process.</summary>
public sealed class EndOfProcessTests
{
    private const int Term = 15;

    [Theory]
    [InlineData("raises in a service's disposal")]
    [InlineData("raises after the host")]
    public async Task Signals_OfOnSignalAndReload_AfterTheLoops_EndNothing(string what)
    {
        await using ScenarioProcess host = await StartAsync(what);

        host.Kill(Term);

        await host.ExpectAsync("log ShutdownEnded");
        await host.ExpectEndAsync("raised", 0);
    }

    [Fact]
    public async Task Term_WhileADisposalHangs_ForcesTheExit()
    {
        await using ScenarioProcess host = await StartAsync("hangs in a service's disposal");
        host.Kill(Term);
        await host.ExpectAsync("hanging");

        host.Kill(Term);

        await host.ExpectEndAsync("log ForcedExit", 128 + Term);
    }

    /// <summary>OnSignal for it or not: it is not held with the others.</summary>
    [Fact]
    public async Task Term_AfterTheHost_HasItsDefaultAction()
    {
        await using ScenarioProcess host = await StartAsync("hangs after the host");
        host.Kill(Term);
        await host.ExpectAsync("hanging");

        host.Kill(Term);

        Assert.Equal(128 + Term, await host.WaitForExitAsync());
    }

    /// <summary>Raises the signals, or hangs, where the argument says.</summary>
    internal static async Task ServeAsync(string[] args)
    {
        HostApplicationBuilder builder = HostScenarios.CreateBuilder(["--UnixEventLoop:ReloadOnHangup=true"]);
        builder.Services.AddUnixEventLoop()
            .OnSignal(UnixSignal.Usr1, static (_, _) => Task.CompletedTask)
            .OnSignal(UnixSignal.Term, static (_, _) => Task.CompletedTask);
        builder.Services.AddSingleton(_ => new LateDisposal(args[0]));
        using (IHost host = builder.Build())
        {
            // Made before all that the start makes, and disposed after it.
            host.Services.GetRequiredService<LateDisposal>();
            await host.StartAsync();
            Scenario.Say("started");
            await host.WaitForShutdownAsync();
        }
        Do(args[0], "after the host");
    }

    private static Task<ScenarioProcess> StartAsync(string what) => ScenarioProcess.StartAndExpectAsync("started", ServeAsync, [what]);

    private static void Do(string what, string here)
    {
        if (what == $"hangs {here}")
        {
            Scenario.Say("hanging");
            new ManualResetEventSlim().Wait();
        }
        if (what != $"raises {here}")
            return;
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Hup.Number);
        TestLibc.Kill(Environment.ProcessId, UnixSignal.Usr1.Number);
        Scenario.Say("raised");
    }

    private sealed class LateDisposal(string what) : IDisposable
    {
        public void Dispose() => Do(what, "in a service's disposal");
    }
}
