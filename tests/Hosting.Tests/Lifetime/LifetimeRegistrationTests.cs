using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Hosting.Systemd;

namespace UnixLoop.Hosting.Tests.Lifetime;

public sealed class LifetimeRegistrationTests
{
    [Fact]
    public void Add_HostApplicationBuilder_ReplacesTheConsolesLifetime()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop());

        Assert.IsType<UnixHostLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
    }

    [Fact]
    public void Add_HostBuilder_ReplacesTheConsolesLifetime()
    {
        using IHost host = new HostBuilder().ConfigureServices(services => services.AddUnixEventLoop()).Build();

        Assert.IsType<UnixHostLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
    }

    [Fact]
    public void Add_AfterSystemd_ReplacesItsLifetimeAndKeepsItsNotifier()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
            services.AddUnixEventLoop();
        });

        Assert.IsType<UnixHostLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
        Assert.IsType<SystemdNotifier>(host.Services.GetService<ISystemdNotifier>());
    }

    [Fact]
    public void Add_Twice_AroundSystemd_EndsWithOurs()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
            services.AddUnixEventLoop();
        });

        Assert.IsType<UnixHostLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
    }

    [Fact]
    public void Add_AfterAnotherLifetime_LeavesItAlone()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddSingleton<IHostLifetime, OtherLifetime>();
            services.AddUnixEventLoop();
        });

        Assert.IsType<OtherLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
    }

    [Fact]
    public void AddNamed_Alone_LeavesTheConsolesLifetime()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop("io"));

        Assert.IsType<ConsoleLifetime>(Assert.Single(host.Services.GetServices<IHostLifetime>()));
    }

    [Fact]
    public void Check_AnotherLifetime_SaysSoOnce()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop();
            services.AddSingleton<IHostLifetime, OtherLifetime>();
        });

        LifetimeRegistration.Check(host.Services);

        Assert.Contains("OtherLifetime", host.LoggedEvent("LifetimeSteppedBack").Message);
    }

    [Fact]
    public void Check_OurLifetime_SaysNothing()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop(o => o.ShutdownDelay = TimeSpan.FromSeconds(1)));

        LifetimeRegistration.Check(host.Services);

        Assert.DoesNotContain("LifetimeSteppedBack", host.LoggedEvents());
    }

    [Fact]
    public void Check_AnotherLifetimeWithDelay_NamesTheType()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop(o => o.ShutdownDelay = TimeSpan.FromSeconds(1));
            services.AddSingleton<IHostLifetime, OtherLifetime>();
        });

        var e = Assert.Throws<InvalidOperationException>(() => LifetimeRegistration.Check(host.Services));

        Assert.Contains(typeof(OtherLifetime).FullName!, e.Message);
        Assert.Contains("ShutdownDelay is 00:00:01", e.Message);
    }

    [Fact]
    public void Check_SystemdsLifetimeWithDelay_SaysTheRightOrder()
    {
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop(o => o.ShutdownDelay = TimeSpan.FromSeconds(1));
            services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        });

        var e = Assert.Throws<InvalidOperationException>(() => LifetimeRegistration.Check(host.Services));

        Assert.Contains("Call UseSystemd before AddUnixEventLoop", e.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(typeof(SystemdLifetime).FullName!, e.Message);
    }

    private sealed class OtherLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
