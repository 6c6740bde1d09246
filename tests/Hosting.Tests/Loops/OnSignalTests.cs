using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using UnixLoop.Hosting.Systemd;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Hosting.Tests.Loops;

public sealed class OnSignalTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Handler_EachCall_HasAScopeOfItsOwn()
    {
        List<Scoped> seen = [];
        using IHost host = TestHost.Build(services =>
        {
            services.AddScoped<Scoped>();
            services.AddUnixEventLoop().OnSignal(UnixSignal.Usr1, (provider, _) =>
            {
                lock (seen)
                    seen.Add(provider.GetRequiredService<Scoped>());
                return Task.CompletedTask;
            });
        });
        await host.StartAsync().WaitAsync(TestTimeout);

        for (int call = 1; call <= 2; call++)
        {
            Raise(UnixSignal.Usr1);
            Eventually.True(() => { lock (seen) return seen.Count == call && seen[^1].IsDisposed; }, $"call {call} has ended");
        }

        Assert.NotSame(seen[0], seen[1]);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Handlers_OfOneSignal_RunInOrderAlsoAfterAFailure()
    {
        var order = new List<string>();
        var done = new TaskCompletionSource();
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop()
            .OnSignal(UnixSignal.Usr1, (_, _) =>
            {
                order.Add("first");
                throw new InvalidOperationException("first");
            })
            .OnSignal(UnixSignal.Usr1, (_, _) =>
            {
                order.Add("second");
                done.SetResult();
                return Task.CompletedTask;
            }));
        await host.StartAsync().WaitAsync(TestTimeout);

        Raise(UnixSignal.Usr1);
        await done.Task.WaitAsync(TestTimeout);

        Assert.Equal(["first", "second"], order);
        Assert.Contains("SIGUSR1", host.LoggedEvent("SignalHandlerFailed").Message);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Handler_RunningAtStop_IsCancelledAndAwaited()
    {
        var entered = new TaskCompletionSource();
        bool ended = false;
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().OnSignal(UnixSignal.Usr1, async (_, token) =>
        {
            entered.SetResult();
            try
            {
                await new TaskCompletionSource().Task.WaitAsync(token);
            }
            finally
            {
                await Task.Yield();
                ended = true;
            }
        }));
        await host.StartAsync().WaitAsync(TestTimeout);
        Raise(UnixSignal.Usr1);
        await entered.Task.WaitAsync(TestTimeout);

        await host.StopAsync().WaitAsync(TestTimeout);

        Assert.True(ended);
        Assert.DoesNotContain("SignalHandlerFailed", host.LoggedEvents());
    }

    [Fact]
    public async Task Handler_NotEndingAtStop_IsLogged()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().OnSignal(UnixSignal.Usr1, (_, _) =>
        {
            entered.SetResult();
            return release.Task;
        }));
        await host.StartAsync().WaitAsync(TestTimeout);
        Raise(UnixSignal.Usr1);
        await entered.Task.WaitAsync(TestTimeout);

        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        release.SetResult();

        Assert.Contains("SIGUSR1", host.LoggedEvent("SignalHandlerNotFinished").Message);
    }

    [Fact]
    public async Task Handler_ForASignalThatCantBeHandled_FailsTheStart()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().OnSignal(UnixSignal.Kill, (_, _) => Task.CompletedTask));

        var e = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync().WaitAsync(TestTimeout));

        Assert.Contains("SIGKILL", e.Message);
    }

    [Fact]
    public async Task Hangup_WithReload_ReadsTheSourcesAndThenTellsHandlers()
    {
        var told = new TaskCompletionSource<string?>();
        var source = new CountingSource();
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        ((IConfigurationBuilder)builder.Configuration).Add(source);
        builder.Services.AddUnixEventLoop(o => o.ReloadOnHangup = true)
            .OnSignal(UnixSignal.Hup, (services, _) =>
            {
                told.SetResult(services.GetRequiredService<IConfiguration>()["loads"]);
                return Task.CompletedTask;
            });
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TestTimeout);
        int before = source.Loads;

        Raise(UnixSignal.Hup);

        Assert.Equal($"{before + 1}", await told.Task.WaitAsync(TestTimeout));
        Assert.Contains("ConfigurationReloaded", host.LoggedEvents());
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Hangup_ReloadFailing_IsLoggedAndKeepsTheValues()
    {
        var source = new CountingSource();
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        ((IConfigurationBuilder)builder.Configuration).Add(source);
        builder.Services.AddUnixEventLoop(o => o.ReloadOnHangup = true);
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TestTimeout);
        string? before = builder.Configuration["loads"];
        source.Fails = true;

        Raise(UnixSignal.Hup);

        Eventually.True(() => host.LoggedEvents().Contains("ConfigurationNotReloaded"), "the failure is logged");
        Assert.Equal(before, builder.Configuration["loads"]);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    /// <summary>A log that throws takes the handlers' failure further, as anything may; the service manager waits for READY in any case.</summary>
    [Fact]
    public async Task Rule30_Hangup_HandlersFailTogether_ReadyFollowsAllTheSame()
    {
        ConcurrentQueue<string> told = [];
        using IHost host = TestHost.Build(services =>
        {
            services.AddLogging(static logging => logging.AddProvider(new ThrowingProvider()));
            services.AddSingleton(new ServiceNotifier(new Notifier(told), null, NullLogger.Instance));
            services.AddUnixEventLoop().OnSignal(UnixSignal.Hup, static (_, _) => throw new InvalidOperationException("no reload"));
        });
        await host.StartAsync().WaitAsync(TestTimeout);

        Raise(UnixSignal.Hup);

        Eventually.True(() => told.Count == 3, () => $"READY, RELOADING, READY: {string.Join(", ", told)}");
        Assert.Equal(["READY=1", "RELOADING=1", "READY=1"], told.Select(static state => state.Split('\n')[0]));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    private static void Raise(UnixSignal signal) => TestLibc.Kill(Environment.ProcessId, signal.Number);

    private sealed class Scoped : IDisposable
    {
        internal bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Notifier(ConcurrentQueue<string> told) : ISystemdNotifier
    {
        public bool IsEnabled => true;

        public void Notify(ServiceState state) => told.Enqueue(state.ToString()!);
    }

    /// <summary>At the failure of a handler.</summary>
    private sealed class ThrowingProvider : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == "SignalHandlerFailed")
                throw new InvalidOperationException("no log");
        }

        public void Dispose()
        {
        }
    }

    private sealed class CountingSource : ConfigurationProvider, IConfigurationSource
    {
        internal int Loads { get; private set; }

        internal bool Fails { get; set; }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override void Load()
        {
            if (Fails)
                throw new InvalidDataException("unreadable");
            Loads++;
            Data["loads"] = $"{Loads}";
        }
    }
}
