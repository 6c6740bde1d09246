using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Process.Tests.Samples;

/// <summary>WebApp with its socket in a folder of its own.</summary>
internal sealed class WebAppFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("unixloop-web-").FullName;

    internal string Socket => Path.Combine(_folder, "web.sock");

    /// <summary>Its command line; no TCP but where it is asked for.</summary>
    internal string[] Arguments(params string[] further) => ["--WebApp:Socket", Socket, "--WebApp:Tcp", "", .. further];

    internal SampleProgram Start(params string[] further)
    {
        SampleProgram web = SampleProgram.Start(SampleProgram.PathOf("WebApp"), Arguments(further));
        web.Expect("Application started");
        return web;
    }

    internal HttpClient Client() => UnixHttp.Client(Socket);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
