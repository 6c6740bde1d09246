using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>A configuration that is not in force as it was meant would leave an endpoint open: the start fails, and says which key, which value and which rule.</summary>
public sealed class ListenerConfigurationTests : KestrelTest
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-kestrel-").FullName;

    private string SocketPath => Path.Combine(_folder, "web.sock");

    public override void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    [Fact]
    public async Task Listeners_ThatNothingReads_FailTheStart()
    {
        string error = await FailAsync(services => services.AddUnixEventLoop(static options => options.Debug = false).UseKestrelTransport(), ("Listeners:web:Path", SocketPath));
        Assert.Contains("UnixEventLoop:Listeners stands in the configuration, and nothing reads it", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AllowedUsers:0", "root")]
    [InlineData("AllowedGroups:0", "root")]
    [InlineData("Mode", "0600")]
    public async Task RestrictedListener_OfAnotherAddressThanTheEndpoint_FailsTheStart(string key, string value)
    {
        string error = await FailAsync(Default, ("Listeners:web:Path", Path.Combine(_folder, "../web.sock")), ($"Listeners:web:{key}", value));
        Assert.Contains($"The listener 'web' says who may connect, but no endpoint has its address, {_folder}/../web.sock; and no listener has that of {SocketPath}", error, StringComparison.Ordinal);
        Assert.False(File.Exists(SocketPath));
    }

    [Theory]
    [InlineData("Listener:web:Path", "/x", "UnixEventLoop:Listener is no option")]
    [InlineData("LoopCont", "2", "UnixEventLoop:LoopCont is no option")]
    [InlineData("LoopCount", "abc", "'abc' at 'UnixEventLoop:LoopCount'")]
    [InlineData("ApplicationScheduling", "Inlined", "'Inlined' at 'UnixEventLoop:ApplicationScheduling'")]
    [InlineData("ShutdownDelay", "5s", "'5s' at 'UnixEventLoop:ShutdownDelay'")]
    [InlineData("Listeners:web:Backlog", "x", "'x' at 'UnixEventLoop:Listeners:web:Backlog'")]
    [InlineData("Listeners:other", "/x", "UnixEventLoop:Listeners:other is '/x'; it must be a section")]
    [InlineData("Listeners:web:AllowedUsers:0:0", "64999", "UnixEventLoop:Listeners:web:AllowedUsers:0 is no single value")]
    [InlineData("Listeners:web:AllowedUsers:0:Name", "64999", "UnixEventLoop:Listeners:web:AllowedUsers:0 is no single value")]
    [InlineData("Listeners:web:Mode:x", "0600", "UnixEventLoop:Listeners:web:Mode has parts of its own")]
    [InlineData("Listeners", "/x", "UnixEventLoop:Listeners is '/x'; it must be a section")]
    [InlineData("AllowedUsers:0", "64999", "UnixEventLoop:AllowedUsers is no option")]
    [InlineData("Listeners:other:Abstract", "@x", "The listener 'other' has the Abstract name '@x'; it must be without the '@'")]
    [InlineData("Listeners:web:AllowAnyUser", "true", "The listener 'web' has AllowAnyUser, which is for abstract names")]
    [InlineData("Listeners:web:Owner", "nosuchuser", "The listener 'web' can't be bound to")]
    public async Task Mistake_IsNamed(string key, string value, string says)
    {
        // Beside another, which a value that can't be converted must not hide.
        string error = await FailAsync(Default, ("Listeners:web:Path", SocketPath), (key, value), ("Listeners:web:ConnectionLimit", key.EndsWith("Owner", StringComparison.Ordinal) ? "1" : "0"));
        Assert.Contains(says, error, StringComparison.Ordinal);
        if (!key.EndsWith("Owner", StringComparison.Ordinal) && !key.EndsWith("Backlog", StringComparison.Ordinal))
            Assert.Contains("has a ConnectionLimit of 0", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NullListener_InCode_IsAMistake() =>
        Assert.Contains("The listener 'web' is null", await FailAsync(static services => services.AddUnixEventLoop().UseKestrelTransport(static options => options.Listeners["web"] = null!)), StringComparison.Ordinal);

    /// <summary>A listener describes the endpoint of its address, whoever has bound that.</summary>
    [Fact]
    public async Task HandedInDescriptor_TheListenersAllowListHolds()
    {
        Socket bound = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bound.Bind(new UnixDomainSocketEndPoint(SocketPath));
        bound.Listen();
        nint descriptor = bound.SafeHandle.DangerousGetHandle();
        bound.SafeHandle.SetHandleAsInvalid(); // given away
        await using WebApplication app = Build(Default, kestrel => kestrel.ListenHandle((ulong)descriptor), ("Listeners:web:Path", SocketPath), ("Listeners:web:AllowedUsers:0", "64999"));
        await app.StartAsync().WaitAsync(TestTimeout);
        using (RawClient client = await RawClient.ConnectAsync(SocketPath))
            Assert.Equal("", await client.ReceiveAllAsync());
        await app.StopAsync().WaitAsync(TestTimeout);
        GC.KeepAlive(bound); // its finalizer unlinks the path
    }

    private static void Default(IServiceCollection services) => services.AddUnixEventLoop().UseKestrelTransport();

    /// <summary>All that the start says.</summary>
    private async Task<string> FailAsync(Action<IServiceCollection> add, params (string Key, string Value)[] section)
    {
        await using WebApplication app = Build(add, kestrel => kestrel.ListenUnixSocket(SocketPath), section);
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync().WaitAsync(TestTimeout));
        Assert.True(error is OptionsValidationException or AggregateException or IOException, $"{error}");
        return error.ToString();
    }

    private static WebApplication Build(Action<IServiceCollection> add, Action<KestrelServerOptions> listen, params (string Key, string Value)[] section)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(section.Select(pair => KeyValuePair.Create($"UnixEventLoop:{pair.Key}", (string?)pair.Value)));
        builder.Logging.Services.AddFakeLogging();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(listen);
        add(builder.Services);
        return builder.Build();
    }
}
