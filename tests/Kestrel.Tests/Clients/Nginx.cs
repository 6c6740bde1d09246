using System.Diagnostics;
using System.Net.Sockets;

namespace UnixLoop.Kestrel.Tests.Clients;

/// <summary>One process in the foreground, with all its files in a folder of its own.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Process _process;

    private Nginx(string folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    internal string Path => System.IO.Path.Combine(_folder, "proxy.sock");

    internal static async Task<Nginx> StartAsync(string upstream)
    {
        // Debian has it in a directory that an ordinary user's PATH lacks.
        string program = File.Exists("/usr/sbin/nginx") ? "/usr/sbin/nginx" : Requires.Tool("nginx");
        string folder = Directory.CreateTempSubdirectory("unixloop-nginx-").FullName;
        string configuration = System.IO.Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off; master_process off; pid {{folder}}/pid; error_log stderr warn;
            events { worker_connections 256; }
            http {
              access_log off; client_max_body_size 0;
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/f; uwsgi_temp_path {{folder}}/u; scgi_temp_path {{folder}}/s;
              map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
              upstream app { server unix:{{upstream}}; keepalive 8; }
              server {
                listen unix:{{folder}}/proxy.sock;
                location / {
                  proxy_pass http://app; proxy_http_version 1.1; proxy_request_buffering off;
                  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_set_header Host localhost;
                }
              }
            }
            """);
        Process process = Process.Start(new ProcessStartInfo(program, ["-p", folder, "-c", configuration]))!;
        Nginx nginx = new(folder, process);
        Eventually.True(() => Listens(nginx.Path) || process.HasExited, "nginx listens");
        Assert.False(process.HasExited, "nginx has ended");
        return nginx;
    }

    /// <summary>The file is there before the server listens.</summary>
    private static bool Listens(string path)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(TestTimeout);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
