using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>WebApp, given its socket by somebody else.</summary>
public sealed class SocketActivationTests : IDisposable
{
    private readonly WebAppFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Rule30_SocketActivation_ServesTheNamedSocket_AndNoChildSeesTheVariables()
    {
        await using SampleProgram web = Activate("--listen", _folder.Socket, "--fdname", "web");
        using HttpClient client = _folder.Client();
        // The first client is what it is started for.
        Assert.Equal("hello", await client.GetStringAsync(new Uri("/plaintext", UriKind.Relative)));
        web.Expect("is the activated socket 'web' (descriptor 3)");
        Assert.Equal(0, web.Count("The activated socket 'web' is at"));
        using StringContent command = new("env");
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/run", UriKind.Relative), command);
        string variables = await answer.Content.ReadAsStringAsync();
        Assert.Contains("PATH=", variables, StringComparison.Ordinal);
        Assert.DoesNotContain("LISTEN_", variables, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rule30_SocketActivation_OfAnotherProcess_IsNotOurs()
    {
        string[] environment = [$"LISTEN_PID={Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}", "LISTEN_FDS=1", "LISTEN_FDNAMES=web"];
        await using SampleProgram web = SampleProgram.Start("env", [.. environment, SampleProgram.PathOf("WebApp"), .. _folder.Arguments()]);
        web.Expect("Application started");
        using HttpClient client = _folder.Client();
        Assert.Equal("hello", await client.GetStringAsync(new Uri("/plaintext", UriKind.Relative)));
    }

    /// <summary>As where the unit has no FileDescriptorName=: the address is in use, by the service manager, and the name is the cause.</summary>
    [Fact]
    public async Task Rule30_SocketActivation_OfAnotherName_FailsTheStartAndNamesBoth()
    {
        await using SampleProgram web = Activate("--listen", _folder.Socket, "--fdname", "webapp.socket");
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_folder.Socket)); // what it is started for
        Assert.Equal(1, await web.WaitForExitAsync());
        web.Expect("WebApp: No activated socket has the name 'web', which the listener 'web' takes; left are: 'webapp.socket'");
    }

    /// <summary>The init is the process that the service manager has started, and its pid is in the variable: its command binds, and finds the address in use.</summary>
    [Fact]
    public async Task Rule30_SocketActivation_BelowAnInit_FailsTheStartAndNamesTheProcessOfTheVariable()
    {
        await using SampleProgram web = Activate(["--listen", _folder.Socket, "--fdname", "web"], [SampleProgram.PathOf("WorkerApp"), "init", SampleProgram.PathOf("WebApp"), .. _folder.Arguments()]);
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_folder.Socket)); // what it is started for
        Assert.Equal(1, await web.WaitForExitAsync());
        web.Expect($"WebApp: LISTEN_PID names process {web.Id}, not this one");
        web.Expect($"a server listens there (process {web.Id} called listen)");
    }

    [Fact]
    public async Task Rule30_SocketActivation_OfAnotherType_FailsTheStart()
    {
        // A shell that becomes the program: descriptor 3 is a file.
        await using SampleProgram web = SampleProgram.Start(
            "sh", ["-c", "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec \"$@\" 3</dev/null", "sh", SampleProgram.PathOf("WebApp"), .. _folder.Arguments()]);
        Assert.Equal(1, await web.WaitForExitAsync());
        web.Expect("WebApp: The activated descriptor 3 ('web') is no socket");
        Assert.Equal(0, web.Count("Unhandled exception"));
    }

    [Fact]
    public async Task Rule30_SocketActivation_CountThatIsNone_FailsTheStart()
    {
        await using SampleProgram web = SampleProgram.Start("sh", ["-c", "LISTEN_PID=$$ LISTEN_FDS=abc exec \"$@\"", "sh", SampleProgram.PathOf("WebApp"), .. _folder.Arguments()]);
        Assert.Equal(1, await web.WaitForExitAsync());
        web.Expect("WebApp: LISTEN_FDS is 'abc'; it must be the number of descriptors.");
    }

    [Fact]
    public async Task Rule30_SocketActivation_WithoutTheFdNameThatIsSet_FailsTheStart()
    {
        await using SampleProgram web = ActivateWebApp(["--listen", _folder.Socket, "--fdname", "other"], "--UnixEventLoop:Listeners:web:FdName", "web");
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_folder.Socket)); // what it is started for
        Assert.Equal(1, await web.WaitForExitAsync());
        web.Expect("WebApp: The listener 'web' has the FdName 'web', but no activated socket has that name; left are: other.");
    }

    /// <summary>What stands at the numbers beyond those that were handed over is the runtime's: it is not closed.</summary>
    [Fact]
    public async Task Rule30_SocketActivation_MoreThanWereHandedOver_FailsTheStart()
    {
        await using SampleProgram web = SampleProgram.Start("sh", ["-c", "LISTEN_PID=$$ LISTEN_FDS=200 exec \"$@\"", "sh", SampleProgram.PathOf("WebApp"), .. _folder.Arguments()]);
        Assert.Equal(1, await web.WaitForExitAsync());
        Assert.Matches("The activated descriptor 3 .* is no socket|LISTEN_FDS is 200, but descriptor", web.ToString());
    }

    [Fact]
    public async Task Rule30_SocketActivation_AlsoByKestrelsUseSystemd_FailsTheStart()
    {
        await using SampleProgram web = Activate(["--listen", _folder.Socket], [SampleProgram.PathOf("WebServer"), "--activation=both"]);
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(_folder.Socket)); // what it is started for
        Assert.NotEqual(0, await web.WaitForExitAsync());
        Assert.Contains("taken both by UseSystemdSocketActivation() and by Kestrel's UseSystemd(): call one of them", web.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The service manager's word counts, and a configuration that says something else is pointed out.</summary>
    [Fact]
    public async Task Rule30_SocketActivation_OtherAddressAndMode_AreWarnedOf()
    {
        string bound = Path.Combine(Path.GetDirectoryName(_folder.Socket)!, "bound.sock");
        await using SampleProgram web = ActivateWebApp(["--listen", bound, "--fdname", "web"], "--UnixEventLoop:Listeners:web:Mode", "0611");
        using HttpClient client = UnixHttp.Client(bound);
        Assert.Equal("hello", await client.GetStringAsync(new Uri("/plaintext", UriKind.Relative)));
        web.Expect($"The activated socket 'web' is at {bound}, while its listener describes {_folder.Socket}");
        web.Expect(line => Regex.IsMatch(line, "The activated socket 'web' has the mode 0[0-7]{3}, while its listener's Mode is 0611"), "a warning of the mode");
    }

    private SampleProgram Activate(params string[] sockets) => ActivateWebApp(sockets);

    private SampleProgram ActivateWebApp(string[] sockets, params string[] further) =>
        Activate(sockets, [SampleProgram.PathOf("WebApp"), .. _folder.Arguments(["--WebApp:Commands:env:0", "env", .. further])]);

    private static SampleProgram Activate(string[] sockets, string[] program)
    {
        string[] kept = [.. new[] { "PATH", "HOME", "DOTNET_ROOT" }.Where(name => Environment.GetEnvironmentVariable(name) is not null).SelectMany(name => new[] { "--setenv", name })];
        SampleProgram web = SampleProgram.Start(
            Requires.Tool("systemd-socket-activate"),
            [.. sockets, .. kept, .. program]);
        web.Expect("Listening on");
        return web;
    }
}
