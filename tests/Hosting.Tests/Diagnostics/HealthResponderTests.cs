using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace UnixLoop.Hosting.Tests.Diagnostics;

[SupportedOSPlatform("linux")]
public sealed class HealthResponderTests : IDisposable
{
    private readonly LeakCheck _leaks = new();
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"health-{Guid.NewGuid():N}");

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Ask_WhileServingAndDraining_LiveStaysAndReadyGoes()
    {
        using IHost host = await StartAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_path));
        Assert.Equal("ok", await AskAsync("live\n"));
        Assert.Equal("ok", await AskAsync("ready\n"));

        host.Services.GetRequiredService<UnixHostDrain>().Begin();

        Assert.Equal("ok", await AskAsync("live\n"));
        Assert.Equal("no The application is shutting down.", await AskAsync("ready\n"));
        await host.StopAsync().WaitAsync(TestTimeout);
        Assert.False(File.Exists(_path));
    }

    [Fact]
    public async Task Ask_WhileStarting_LiveAndNotReady()
    {
        var slow = new SlowStart();
        using IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop(o => o.HealthSocket = _path);
            services.AddSingleton<IHostedService>(slow);
        });
        Task start = host.StartAsync();
        await slow.Begun.Task.WaitAsync(TestTimeout);

        Assert.Equal("ok", await AskAsync("live\n"));
        Assert.Equal("no The application is starting.", await AskAsync("ready\n"));

        slow.End.SetResult();
        await start.WaitAsync(TestTimeout);
        Assert.Equal("ok", await AskAsync("ready\n"));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Ask_ApplicationsOwnCheckFails_ReadyNamesIt()
    {
        using IHost host = await StartAsync(services => services.AddHealthChecks()
            .AddCheck("database", static () => HealthCheckResult.Unhealthy("no database"), ["ready"])
            .AddCheck("other", static () => HealthCheckResult.Unhealthy("not asked")));
        Assert.Equal("no database: no database", await AskAsync("ready\n"));
        Assert.Equal("ok", await AskAsync("live\n"));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData("alive\n")]
    [InlineData("\n")]
    [InlineData("livelivelivelivelivelivelivelivelivelivelivelivelivelivelivelivelivelive")]
    public async Task Ask_Nonsense_IsRefused(string question)
    {
        using IHost host = await StartAsync();
        Assert.StartsWith("no ", await AskAsync(question), StringComparison.Ordinal);
        Assert.Equal("ok", await AskAsync("live\n"));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Stop_ClientThatSaysNothing_IsNotWaitedForLong()
    {
        using IHost host = await StartAsync();
        using Socket silent = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await silent.ConnectAsync(new UnixDomainSocketEndPoint(_path));
        Assert.Equal("ok", await AskAsync("live\n"));
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    /// <summary>More than there are places, and no time passes in which they would be given up.</summary>
    [Fact]
    public async Task Ask_BehindManyThatSayNothing_IsAnswered()
    {
        using IHost host = await StartAsync(static services => services.AddSingleton<TimeProvider>(new FakeTimeProvider()));
        List<Socket> silent = [];
        for (int i = 0; i < 40; i++)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            silent.Add(socket);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path)).WaitAsync(TestTimeout);
        }

        Assert.Equal("ok", await AskAsync("live\n"));

        Assert.Equal(0, await silent[0].ReceiveAsync(new byte[1]).WaitAsync(TestTimeout)); // the first has made room
        silent.ForEach(static socket => socket.Dispose());
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Ask_BehindManyThatHaveTheirAnswerAndStay_IsAnswered()
    {
        using IHost host = await StartAsync(static services => services.AddSingleton<TimeProvider>(new FakeTimeProvider()));
        List<Socket> staying = [];
        for (int i = 0; i < 20; i++)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            staying.Add(socket);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path)).WaitAsync(TestTimeout);
            await socket.SendAsync("live\n"u8.ToArray());
            Assert.Equal(3, await socket.ReceiveAsync(new byte[3]).WaitAsync(TestTimeout));
        }

        Assert.Equal("ok", await AskAsync("live\n"));

        staying.ForEach(static socket => socket.Dispose());
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    [Fact]
    public async Task Ask_CheckNeverEnds_IsGivenUp()
    {
        FakeTimeProvider clock = new();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IHost host = await StartAsync(services =>
        {
            services.AddSingleton<TimeProvider>(clock);
            services.AddHealthChecks().AddAsyncCheck("hangs", () =>
            {
                asked.TrySetResult();
                return new TaskCompletionSource<HealthCheckResult>().Task;
            }, ["ready"]);
        });
        Task<string> answer = AskAsync("ready\n");
        await asked.Task.WaitAsync(TestTimeout);

        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("", await answer);
        await host.StopAsync().WaitAsync(TestTimeout);
    }

    private async Task<IHost> StartAsync(Action<IServiceCollection>? configure = null)
    {
        IHost host = TestHost.Build(services =>
        {
            services.AddUnixEventLoop(o => o.HealthSocket = _path);
            configure?.Invoke(services);
        });
        await host.StartAsync().WaitAsync(TestTimeout);
        return host;
    }

    private async Task<string> AskAsync(string question)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path)).WaitAsync(TestTimeout);
        await socket.SendAsync(Encoding.UTF8.GetBytes(question));
        using StreamReader reader = new(new NetworkStream(socket, ownsSocket: false));
        return (await reader.ReadToEndAsync().WaitAsync(TestTimeout)).TrimEnd('\n');
    }

    private sealed class SlowStart : IHostedService
    {
        internal TaskCompletionSource Begun { get; } = new();

        internal TaskCompletionSource End { get; } = new();

        public Task StartAsync(CancellationToken cancellationToken)
        {
            Begun.SetResult();
            return End.Task;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
