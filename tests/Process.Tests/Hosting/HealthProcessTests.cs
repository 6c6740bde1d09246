using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Process.Tests.Hosting;

/// <summary>The health socket of a process that has run out of descriptors.</summary>
public sealed class HealthProcessTests
{
    [Fact]
    public async Task Ask_NoDescriptorsLeft_IsAnsweredOnceThereAreSome()
    {
        string path = Path.Combine(Path.GetTempPath(), $"health-{Guid.NewGuid():N}");
        await using ScenarioProcess host = ScenarioProcess.Start(ServeAsync, [$"--UnixEventLoop:HealthSocket={path}"], FullPool.Via);
        await host.ExpectAsync("started");
        Assert.Equal("ok", await AskAsync(path, "ready")); // once with descriptors, so that all is loaded
        await host.WriteLineAsync("");
        await host.ExpectAsync("short");

        Task<string> answer = AskAsync(path, "ready");
        await host.ExpectAsync("log AcceptPaused");
        Assert.False(answer.IsCompleted);
        await host.WriteLineAsync("");

        Assert.Equal("ok", await answer);
        await host.EndWellAsync();
    }

    internal static async Task ServeAsync(string[] args)
    {
        HostApplicationBuilder builder = HostScenarios.CreateBuilder(args);
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        await host.StartAsync();
        using FullPool pool = await FullPool.StartAsync();
        int sockets = CountSockets();
        Scenario.Say("started");
        Console.In.ReadLine();
        // A connection that is still to be closed would be a descriptor for the next.
        Eventually.True(() => CountSockets() == sockets, "no connection is open");
        int limit = TestLibc.GetDescriptorLimit();
        using (FileStream free = File.OpenRead("/dev/null"))
            TestLibc.SetDescriptorLimit((int)free.SafeFileHandle.DangerousGetHandle());
        Scenario.Say("short");
        Console.In.ReadLine();
        TestLibc.SetDescriptorLimit(limit);
        await Scenario.WaitForEndAsync();
        await host.StopAsync();
    }

    private static int CountSockets() =>
        Directory.GetFiles("/proc/self/fd").Count(static link => new FileInfo(link).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    private static async Task<string> AskAsync(string path, string question)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).WaitAsync(TestTimeout);
        await socket.SendAsync(Encoding.UTF8.GetBytes(question + "\n"));
        using StreamReader reader = new(new NetworkStream(socket, ownsSocket: false));
        return (await reader.ReadToEndAsync().WaitAsync(TestTimeout)).Trim();
    }
}
