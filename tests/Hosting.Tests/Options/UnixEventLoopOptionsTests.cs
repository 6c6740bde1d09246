using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace UnixLoop.Hosting.Tests.Options;

public sealed class UnixEventLoopOptionsTests
{
    private static readonly Dictionary<string, string?> EveryProperty = new()
    {
        ["Debug"] = "true",
        ["SlowCallbackThreshold"] = "00:00:00.250",
        ["PollBeforeBlocking"] = "00:00:00.00005",
        ["ChildWatcher"] = "Threaded",
        ["ChildStopGrace"] = "00:00:07",
        ["ShutdownDelay"] = "00:00:11",
        ["DrainIdleLinger"] = "00:00:03",
        ["ExitCodeFromSignal"] = "true",
        ["HealthDegradedLag"] = "00:00:01",
        ["HealthUnhealthyLag"] = "00:00:02",
        ["HealthSocket"] = "/run/health",
        ["ReloadOnHangup"] = "true",
        ["RecordChildArguments"] = "true",
    };

    [Fact]
    public void Section_Default_BindsEveryProperty()
    {
        UnixEventLoopOptions options = Read(
            Under("UnixEventLoop", EveryProperty), services => services.AddUnixEventLoop());

        AssertEveryProperty(options);
    }

    [Fact]
    public void Section_Handed_BindsEveryProperty()
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(Under("Elsewhere:Loop", EveryProperty));
        builder.Services.AddUnixEventLoop(builder.Configuration.GetSection("Elsewhere:Loop"));
        using IHost host = builder.Build();

        AssertEveryProperty(host.Services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value);
    }

    [Fact]
    public void EveryProperty_IsInTheBindingTest()
    {
        Assert.Equal(EveryProperty.Keys.Order(), typeof(UnixEventLoopOptions).GetProperties().Select(p => p.Name).Order());
    }

    [Fact]
    public void Defaults_AreTheDocumentedOnes()
    {
        UnixEventLoopOptions options = Read([], services => services.AddUnixEventLoop());

        Assert.False(options.Debug);
        Assert.Equal(TimeSpan.FromMilliseconds(100), options.SlowCallbackThreshold);
        Assert.Equal(TimeSpan.Zero, options.PollBeforeBlocking);
        Assert.Equal(ChildWatcherKind.Auto, options.ChildWatcher);
        Assert.Equal(TimeSpan.FromSeconds(5), options.ChildStopGrace);
        Assert.Equal(TimeSpan.Zero, options.ShutdownDelay);
        Assert.Equal(TimeSpan.FromSeconds(5), options.DrainIdleLinger);
        Assert.False(options.ExitCodeFromSignal);
        Assert.Equal(TimeSpan.FromMilliseconds(500), options.HealthDegradedLag);
        Assert.Equal(TimeSpan.FromSeconds(3), options.HealthUnhealthyLag);
        Assert.Null(options.HealthSocket);
        Assert.False(options.ReloadOnHangup);
        Assert.False(options.RecordChildArguments);
    }

    [Fact]
    public void Action_Alone_ReadsNoSection()
    {
        UnixEventLoopOptions options = Read(
            Under("UnixEventLoop", EveryProperty), services => services.AddUnixEventLoop(o => o.ShutdownDelay = TimeSpan.FromSeconds(1)));

        Assert.False(options.Debug);
        Assert.Equal(TimeSpan.FromSeconds(1), options.ShutdownDelay);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Overloads_Together_ApplyInTheOrderOfTheCalls(bool sectionFirst)
    {
        Action<IServiceCollection>[] calls =
        [
            services => services.AddUnixEventLoop(),
            services => services.AddUnixEventLoop(o => o.ChildStopGrace = TimeSpan.FromSeconds(1)),
        ];
        UnixEventLoopOptions options = Read(Under("UnixEventLoop", EveryProperty), services =>
        {
            foreach (Action<IServiceCollection> call in sectionFirst ? calls : calls.Reverse())
                call(services);
        });

        Assert.Equal(TimeSpan.FromSeconds(sectionFirst ? 1 : 7), options.ChildStopGrace);
        Assert.True(options.Debug);
    }

    [Theory]
    [InlineData(":ShutdownDelays", "00:00:01", "UnixEventLoop:ShutdownDelays is no option of the loop or of Kestrel's transport.")]
    [InlineData(":ShutdownDelay:Seconds", "1", "UnixEventLoop:ShutdownDelay has parts of its own; it must be a single value.")]
    [InlineData(":LoopCount:0", "1", "UnixEventLoop:LoopCount has parts of its own; it must be a single value.")]
    [InlineData("", "5", "UnixEventLoop is '5'; it must be a section.")]
    public async Task Start_KeyThatNothingReads_IsAMistake(string key, string value, string mistake)
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration["UnixEventLoop" + key] = value;
        builder.Services.AddUnixEventLoop();
        builder.Services.AddUnixEventLoop(builder.Configuration.GetSection("UnixEventLoop"));
        using IHost host = builder.Build();

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(TestTimeout));

        Assert.Equal(mistake, Assert.Single(e.Failures));
    }

    [Fact]
    public async Task Start_SeveralMistakes_ListsThemAll()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop(o =>
        {
            o.SlowCallbackThreshold = TimeSpan.Zero;
            o.ChildWatcher = (ChildWatcherKind)17;
            o.ChildStopGrace = TimeSpan.FromSeconds(45);
            o.ShutdownDelay = TimeSpan.FromSeconds(-1);
            o.PollBeforeBlocking = TimeSpan.FromMilliseconds(2);
        }));

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(TestTimeout));

        Assert.Equal(5, e.Failures.Count());
        Assert.Contains(e.Failures, f => f.Contains("PollBeforeBlocking is 00:00:00.0020000; it must be between 00:00:00 and 00:00:00.0010000."));
        Assert.Contains(e.Failures, f => f.Contains("SlowCallbackThreshold is 00:00:00; it must be between 00:00:00.0010000 and 01:00:00."));
        Assert.Contains(e.Failures, f => f.Contains("ChildWatcher") && f.Contains("17") && f.Contains("Auto, Pidfd, Threaded, Safe, Fast, MultiLoop"));
        Assert.Contains(e.Failures, f => f.Contains("ChildStopGrace") && f.Contains("00:00:45") && f.Contains("ShutdownTimeout is 00:00:30"));
        Assert.Contains(e.Failures, f => f.Contains("ShutdownDelay is -00:00:01;"));
    }

    [Theory]
    [InlineData(5, 6, true)]
    [InlineData(5, 5.9, false)]
    [InlineData(29, 30, true)]
    [InlineData(29.1, 30, false)]
    public void Rules_GraceAndShutdownTimeout_MustFit(double grace, double shutdownTimeout, bool valid)
    {
        void Configure(IServiceCollection services)
        {
            services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(shutdownTimeout));
            services.AddUnixEventLoop(o => o.ChildStopGrace = TimeSpan.FromSeconds(grace));
        }

        if (valid)
            Assert.Equal(TimeSpan.FromSeconds(grace), Read([], Configure).ChildStopGrace);
        else
            Assert.Throws<OptionsValidationException>(() => Read([], Configure));
    }

    /// <summary>The host's stop makes a timer of it.</summary>
    [Theory]
    [InlineData("49.17:02:47.294", true)]
    [InlineData("49.17:02:47.295", false)]
    [InlineData("-00:00:05", false)]
    public void Rules_ShutdownTimeout_IsWhatATimerCanWait(string time, bool valid)
    {
        TimeSpan timeout = TimeSpan.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
        void Configure(IServiceCollection services)
        {
            services.Configure<HostOptions>(o => o.ShutdownTimeout = timeout);
            services.AddUnixEventLoop(static o => o.ChildStopGrace = TimeSpan.Zero);
        }

        if (valid)
        {
            Read([], Configure);
            return;
        }
        var e = Assert.Throws<OptionsValidationException>(() => Read([], Configure));
        Assert.Contains($"HostOptions.ShutdownTimeout: is {timeout:c}; it must be between 00:00:00 and 49.17:02:47.2940000, or infinite", Assert.Single(e.Failures));
    }

    [Fact]
    public void Rules_InfiniteShutdownTimeout_FitsAnyGrace()
    {
        UnixEventLoopOptions options = Read([], services =>
        {
            services.Configure<HostOptions>(o => o.ShutdownTimeout = Timeout.InfiniteTimeSpan);
            services.AddUnixEventLoop(o => o.ChildStopGrace = TimeSpan.FromMinutes(10));
        });

        Assert.Equal(TimeSpan.FromMinutes(10), options.ChildStopGrace);
    }

    [Fact]
    public void Rules_ReloadWithoutAConfigurationRoot_IsAMistake()
    {
        using ServiceProvider services = new ServiceCollection().AddUnixEventLoop(o => o.ReloadOnHangup = true).Services.BuildServiceProvider();

        var e = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value);

        Assert.Contains("IConfigurationRoot", Assert.Single(e.Failures));
    }

    [Fact]
    public void Rules_NamedLoop_RefusesWhatBelongsToTheDefaultOne()
    {
        using IHost host = TestHost.Build(services => services.AddUnixEventLoop("io", o =>
        {
            o.Debug = true;
            o.ChildWatcher = ChildWatcherKind.Threaded;
            o.ChildStopGrace = TimeSpan.FromSeconds(2);
            o.ShutdownDelay = TimeSpan.FromSeconds(2);
            o.ReloadOnHangup = true;
            o.RecordChildArguments = true;
        }));

        var e = Assert.Throws<OptionsValidationException>(
            () => host.Services.GetRequiredService<IOptionsMonitor<UnixEventLoopOptions>>().Get("io"));

        Assert.Equal(5, e.Failures.Count());
        Assert.All(e.Failures, f => Assert.Contains("'io'", f));
    }

    private static void AssertEveryProperty(UnixEventLoopOptions options)
    {
        Assert.True(options.Debug);
        Assert.Equal(TimeSpan.FromMilliseconds(250), options.SlowCallbackThreshold);
        Assert.Equal(TimeSpan.FromMicroseconds(50), options.PollBeforeBlocking);
        Assert.Equal(ChildWatcherKind.Threaded, options.ChildWatcher);
        Assert.Equal(TimeSpan.FromSeconds(7), options.ChildStopGrace);
        Assert.Equal(TimeSpan.FromSeconds(11), options.ShutdownDelay);
        Assert.True(options.ReloadOnHangup);
        Assert.True(options.RecordChildArguments);
        Assert.Equal(TimeSpan.FromSeconds(3), options.DrainIdleLinger);
        Assert.True(options.ExitCodeFromSignal);
        Assert.Equal(TimeSpan.FromSeconds(1), options.HealthDegradedLag);
        Assert.Equal(TimeSpan.FromSeconds(2), options.HealthUnhealthyLag);
        Assert.Equal("/run/health", options.HealthSocket);
    }

    private static UnixEventLoopOptions Read(Dictionary<string, string?> configuration, Action<IServiceCollection> configure)
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(configuration);
        configure(builder.Services);
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<UnixEventLoopOptions>>().Value;
    }

    private static Dictionary<string, string?> Under(string section, Dictionary<string, string?> values) =>
        values.ToDictionary(v => $"{section}:{v.Key}", v => v.Value);
}
