using System.Net;

namespace WebApp;

/// <summary>The section "WebApp".</summary>
internal sealed class WebAppOptions
{
    /// <summary>The Unix socket; how it is bound stands in UnixEventLoop:Listeners:web.</summary>
    public string Socket { get; set; } = Path.Combine(Path.GetTempPath(), "unixloop-web.sock");

    /// <summary>Address and port; empty for none.</summary>
    public string Tcp { get; set; } = "";

    /// <summary>The users, by number, who may run commands; empty for the one that this program runs as.</summary>
    public uint[] AllowedUsers { get; set; } = [];

    /// <summary>What may be run: program and arguments, by name.</summary>
    public Dictionary<string, string[]> Commands { get; set; } = [];

    public IPEndPoint? TcpEndPoint => Tcp.Length > 0 ? IPEndPoint.Parse(Tcp) : null;
}
