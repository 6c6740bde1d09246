using System.Globalization;
using System.Net;

namespace WebApp;

/// <summary>The section "WebApp".</summary>
internal sealed class WebAppOptions
{
    /// <summary>The Unix socket; how it is bound stands in UnixEventLoop:Listeners:web.</summary>
    public string Socket { get; set; } = Path.Combine(Path.GetTempPath(), "unixloop-web.sock");

    /// <summary>Address and port; empty for none.</summary>
    public string Tcp { get; set; } = "";

    /// <summary>The users, by number, who may run commands; empty for the one that this program runs as. As texts: the binder leaves out what is no number, without a word.</summary>
    public string[] AllowedUsers { get; set; } = [];

    /// <summary>What may be run: program and arguments, by name.</summary>
    public Dictionary<string, string[]> Commands { get; set; } = [];

    public IPEndPoint? TcpEndPoint => Tcp.Length > 0 ? IPEndPoint.Parse(Tcp) : null;

    public IEnumerable<uint> AllowedUserIds => AllowedUsers.Select(user => uint.Parse(user, CultureInfo.InvariantCulture));

    /// <summary>The first value that can't be used, and the rule; null if there is none.</summary>
    public string? Mistake
    {
        get
        {
            if (!Path.IsPathRooted(Socket))
                return $"WebApp:Socket is '{Socket}'; it must be an absolute path.";
            if (Tcp.Length > 0 && !IPEndPoint.TryParse(Tcp, out _))
                return $"WebApp:Tcp is '{Tcp}'; it must be an address and a port, as in 127.0.0.1:8080.";
            return AllowedUsers.FirstOrDefault(user => !uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out _)) is { } unknown
                ? $"WebApp:AllowedUsers has '{unknown}'; a user is given by its number (id -u)."
                : null;
        }
    }
}
