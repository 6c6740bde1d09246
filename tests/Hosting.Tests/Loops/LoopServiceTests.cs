using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace UnixLoop.Hosting.Tests.Loops;

public sealed class LoopServiceTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose()
    {
        Eventually.True(() => Threads("unix-loop") + Threads("io-loop") == 0, "no loop's thread is left");
        _leaks.Dispose();
    }

    [Fact]
    public async Task Start_EveryServicesStart_FindsTheLoopRunning()
    {
        var service = new UsesTheLoop();
        using IHost host = TestHost.Build(services =>
        {
            services.AddHostedService(service.With);
            services.AddUnixEventLoop();
        });

        await host.StartAsync().WaitAsync(TestTimeout);
        Assert.Equal("unix-loop", service.ThreadAtStart);

        await host.StopAsync().WaitAsync(TestTimeout);
        Assert.Equal("unix-loop", service.ThreadAtStop);
        Assert.Throws<ObjectDisposedException>(() => host.Services.GetRequiredService<IUnixEventLoop>().Post(() => { }));
        Assert.Contains("LoopStarted", host.LoggedEvents());
        Assert.Contains("LoopStopped", host.LoggedEvents());
    }

    [Fact]
    public async Task NamedLoops_AreKeyedAndHaveThreadsOfTheirOwn()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            services.AddUnixEventLoop("io-loop", o => o.Debug = true);
        });
        await host.StartAsync().WaitAsync(TestTimeout);

        var named = host.Services.GetRequiredKeyedService<IUnixEventLoop>("io-loop");
        Assert.Equal("io-loop", named.Name);
        Assert.Equal("io-loop", await named.InvokeAsync(() => Thread.CurrentThread.Name!).WaitAsync(TestTimeout));
        Assert.NotSame(named, host.Services.GetRequiredService<IUnixEventLoop>());
        Assert.Equal(1, Threads("io-loop"));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task NamedLoop_Alone_RunsWithoutADefaultOne()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop("io-loop"));
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.Null(host.Services.GetService<IUnixEventLoop>());
        await host.Services.GetRequiredKeyedService<IUnixEventLoop>("io-loop").InvokeAsync(() => { }).WaitAsync(TestTimeout);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Start_Failing_LeavesNothingOnceDisposed()
    {
        var child = 0;
        IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            services.AddUnixEventLoop("io-loop");
            services.AddHostedService(provider => new Fails(async () =>
                child = (await provider.GetRequiredService<ISubprocessFactory>().StartAsync(new SubprocessStartInfo("sleep", "1000"))).Id));
        });

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync().WaitAsync(TestTimeout));
        Assert.Equal("fails", e.Message);
        Assert.NotEqual(0, child);
        host.Dispose();

        Assert.False(Directory.Exists($"/proc/{child}"));
    }

    [Fact]
    public void Host_NeverStarted_LeavesNothing()
    {
        IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            services.AddUnixEventLoop("io-loop");
        });
        host.Services.GetRequiredService<ISubprocessFactory>();
        host.Services.GetRequiredService<IUnixEventLoop>().Post(() => { });
        host.Services.GetRequiredKeyedService<IUnixEventLoop>("io-loop");
        host.Services.GetServices<IHostedService>();

        host.Dispose();
        host.Dispose();
    }

    [Fact]
    public async Task Provider_DisposedWithoutAwaiting_LeavesNothing()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());
        var services = (ServiceProvider)host.Services;
        UnixEventLoopHostedService service = services.GetServices<IHostedService>().OfType<UnixEventLoopHostedService>().Single();
        await service.StartingAsync(CancellationToken.None).WaitAsync(TestTimeout);
        int child = (await services.GetRequiredService<ISubprocessFactory>().StartAsync(new SubprocessStartInfo("sleep", "1000"))).Id;

        services.Dispose();
        service.Dispose();

        Assert.False(Directory.Exists($"/proc/{child}"));
    }

    [Fact]
    public async Task Service_DisposedInsteadOfStopped_StopsItself()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());
        await host.StartAsync().WaitAsync(TestTimeout);
        UnixEventLoopHostedService service = host.Services.GetServices<IHostedService>().OfType<UnixEventLoopHostedService>().Single();
        int child = (await host.Services.GetRequiredService<ISubprocessFactory>().StartAsync(new SubprocessStartInfo("sleep", "1000"))).Id;

        await service.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await service.DisposeAsync().AsTask().WaitAsync(TestTimeout);

        Assert.False(Directory.Exists($"/proc/{child}"));
        Eventually.True(() => Threads("unix-loop") == 0, "its thread ends, after it has said so");
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Stop_HostsTimeIsOver_StillEndsTheLoops()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());
        await host.StartAsync().WaitAsync(TestTimeout);

        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);

        Assert.Contains("LoopStopped", host.LoggedEvents());
    }

    [Fact]
    public async Task Stop_CallbackHoldsTheLoop_IsLoggedAndNotWaitedFor()
    {
        using var release = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());
        await host.StartAsync().WaitAsync(TestTimeout);
        host.Services.GetRequiredService<IUnixEventLoop>().Post(() =>
        {
            entered.Set();
            release.Wait(TestTimeout);
        });
        Assert.True(entered.Wait(TestTimeout));

        await host.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestTimeout);
        release.Set();

        Assert.Contains("LoopNotStopped", host.LoggedEvents());
    }

    private static int Threads(string name) => TestThreads.Names().Count(running => running == name);

    private sealed class UsesTheLoop : IHostedService
    {
        private IUnixEventLoop? _loop;

        internal string? ThreadAtStart { get; private set; }

        internal string? ThreadAtStop { get; private set; }

        public async Task StartAsync(CancellationToken cancellationToken) =>
            ThreadAtStart = await _loop!.InvokeAsync(() => Thread.CurrentThread.Name, cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken) =>
            ThreadAtStop = await _loop!.InvokeAsync(() => Thread.CurrentThread.Name, cancellationToken);

        internal UsesTheLoop With(IServiceProvider services)
        {
            _loop = services.GetRequiredService<IUnixEventLoop>();
            return this;
        }
    }

    private sealed class Fails(Func<Task> before) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await before();
            throw new InvalidOperationException("fails");
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
