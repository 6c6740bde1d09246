using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace UnixLoop.Hosting.Tests.Loops;

public sealed class RegistrationTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public void Add_Twice_RegistersEverythingOnce()
    {
        var once = new ServiceCollection();
        once.AddUnixEventLoop();
        once.AddUnixEventLoop("io");
        var twice = new ServiceCollection();
        twice.AddUnixEventLoop();
        twice.AddUnixEventLoop("io");
        twice.AddUnixEventLoop();
        twice.AddUnixEventLoop("io");

        // ValidateOnStart adds a configuration of the validator's list for each call, which does no harm.
        static string[] Names(IServiceCollection services) =>
            [.. services.Where(d => d.ServiceType.FullName!.Contains("UnixLoop", StringComparison.Ordinal) || d.ServiceType == typeof(IHostedService) || d.ServiceType == typeof(IHostLifetime))
                .Where(d => !d.ServiceType.IsGenericType)
                .Select(d => $"{d.ServiceType.Name} {d.ServiceKey}")];
        Assert.Equal(Names(once), Names(twice));
    }

    [Fact]
    public async Task Services_EveryFace_IsTheSameInstance()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.Same(host.Services.GetRequiredService<UnixEventLoop>(), host.Services.GetRequiredService<IUnixEventLoop>());
        Assert.Same(host.Services.GetRequiredService<SubprocessFactory>(), host.Services.GetRequiredService<ISubprocessFactory>());
        Assert.Same(host.Services.GetRequiredService<UnixHostDrain>(), host.Services.GetRequiredService<IUnixHostDrain>());
        Assert.Single(host.Services.GetServices<IHostedService>().OfType<UnixEventLoopHostedService>());
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Services_LoopOfATestStandsFirst_HostAndChildrenKeepTheirs()
    {
        IUnixEventLoop fake = DispatchProxy.Create<IUnixEventLoop, RefusingProxy>();
        using IHost host = TestHost.Build(services =>
        {
            services.AddSingleton(fake);
            services.AddUnixEventLoop();
        });
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.Same(fake, host.Services.GetRequiredService<IUnixEventLoop>());
        Assert.True((await host.Services.GetRequiredService<ISubprocessFactory>().RunAsync(new("true")).WaitAsync(TestTimeout)).Exit.IsSuccess);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public void Builder_NamesItsLoop()
    {
        var services = new ServiceCollection();

        Assert.Equal("", services.AddUnixEventLoop().Name);
        Assert.Equal("io", services.AddUnixEventLoop("io").Name);
        Assert.Same(services, services.AddUnixEventLoop("io").Services);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void AddNamed_WithoutAName_IsRefused(string name)
    {
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddUnixEventLoop(name));
    }

    [Fact]
    public void NamedBuilder_RefusesWhatBelongsToTheDefaultLoop()
    {
        IUnixEventLoopBuilder builder = new ServiceCollection().AddUnixEventLoop("io");

        foreach (Action call in (Action[])
        [
            () => builder.OnSignal(UnixSignal.Usr1, (_, _) => Task.CompletedTask),
            () => builder.UseChildWatcher(ChildWatcherKind.Threaded),
            () => builder.UseChildWatcher<OwnWatcher>(),
        ])
        {
            Assert.Contains("'io'", Assert.Throws<InvalidOperationException>(call).Message);
        }
    }

    [Fact]
    public async Task UseChildWatcher_Type_IsAttachedAndDetached()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().UseChildWatcher<OwnWatcher>());
        await host.StartAsync().WaitAsync(TestTimeout);

        var watcher = Assert.IsType<OwnWatcher>(host.Services.GetRequiredService<IChildWatcher>());
        Assert.Same(host.Services.GetRequiredService<IUnixEventLoop>(), watcher.Loop);
        Assert.Contains("OwnWatcher", host.LoggedEvent("ChildWatcherChosen").Message);
        await host.StopAsync().WaitAsync(TestTimeout);
        Assert.Null(watcher.Loop);
    }

    [Theory]
    [InlineData(ChildWatcherKind.Auto, typeof(PidfdChildWatcher), "pidfds")]
    [InlineData(ChildWatcherKind.Pidfd, typeof(PidfdChildWatcher), "ChildWatcher is Pidfd")]
    [InlineData(ChildWatcherKind.Threaded, typeof(ThreadedChildWatcher), "ChildWatcher is Threaded")]
    [InlineData(ChildWatcherKind.Safe, typeof(SafeChildWatcher), "ChildWatcher is Safe")]
    [InlineData(ChildWatcherKind.Fast, typeof(FastChildWatcher), "ChildWatcher is Fast")]
    [InlineData(ChildWatcherKind.MultiLoop, typeof(MultiLoopChildWatcher), "ChildWatcher is MultiLoop")]
    public async Task UseChildWatcher_Kind_IsLoggedWithItsReason(ChildWatcherKind kind, Type expected, string reason)
    {
        Requires.That(PidfdChildWatcher.IsSupported(out _), "pidfds");
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop().UseChildWatcher(kind));
        await host.StartAsync().WaitAsync(TestTimeout);

        Assert.IsType(expected, host.Services.GetRequiredService<IChildWatcher>());
        Assert.Contains(reason, host.LoggedEvent("ChildWatcherChosen").Message);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    private sealed class OwnWatcher : IChildWatcher
    {
        internal IUnixEventLoop? Loop { get; private set; }

        public bool IsActive => Loop is not null;

        public void Attach(IUnixEventLoop loop) => Loop = loop;

        public void Detach() => Loop = null;

        public ChildSpawnScope BeginSpawn() => default;

        public void Add(int pid, SafeHandle? pidfd, IChildExitHandler handler) => throw new NotSupportedException();

        public bool Remove(int pid) => false;

        public void Dispose()
        {
        }
    }

    /// <summary>DispatchProxy derives from it.</summary>
    public class RefusingProxy : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new NotSupportedException($"{targetMethod}");
    }
}
