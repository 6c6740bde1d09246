using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Clients;

/// <summary>Programs of others against the transport.</summary>
public sealed class ClientTests : KestrelTest
{
    private const string PythonClient = """
        import asyncio, sys
        async def one(i):
            reader, writer = await asyncio.open_unix_connection(sys.argv[1])
            for n in range(20):
                body = b'x' * (i * 50 + n)
                writer.write(b'POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
                for part in range(0, len(body), 100):
                    writer.write(b'%x\r\n%s\r\n' % (len(body[part:part + 100]), body[part:part + 100]))
                writer.write(b'0\r\n\r\n')
                await writer.drain()
                head = await reader.readuntil(b'\r\n\r\n')
                assert head.startswith(b'HTTP/1.1 200'), head
                assert b'chunked' in head.lower(), head
                size = int(await reader.readline(), 16)
                import hashlib
                assert await reader.readexactly(size) == hashlib.sha256(body).hexdigest().encode()
                assert await reader.readexactly(7) == b'\r\n0\r\n\r\n'
            writer.close()
            await writer.wait_closed()
        async def main():
            await asyncio.gather(*(one(i) for i in range(32)))
            print('served')
        asyncio.run(asyncio.wait_for(main(), 30))
        """;

    private const string NodeClient = """
        const http = require('http'), agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
        let left = 200;
        for (let i = 0; i < 200; i++)
          http.get({ socketPath: process.argv[1], path: i % 10 ? '/' : '/download', agent }, answer => {
            let size = 0;
            answer.on('data', d => size += d.length).on('end', () => {
              if (size !== (i % 10 ? 19 : 8388608)) { console.error('size', size); process.exit(1); }
              if (--left === 0) { console.log('served'); agent.destroy(); }
            });
          }).on('error', e => { console.error(e); process.exit(1); });
        """;

    [Theory, Transports]
    public async Task Curl_Http1_GetsUploadsAndDownloads(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map);
        string[] common = ["--silent", "--show-error", "--fail", "--max-time", "20", "--unix-socket", server.Path];
        // Two addresses: the second goes over the first one's connection.
        Assert.Equal("hello over HTTP/1.1hello over HTTP/1.1", await Client.RunAsync("curl", [.. common, "http://localhost/", "http://localhost/"]));
        string file = Path.Combine(Path.GetDirectoryName(server.Path)!, "body");
        byte[] body = new byte[Site.Large];
        Random.Shared.NextBytes(body);
        await File.WriteAllBytesAsync(file, body);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(body)), await Client.RunAsync("curl", [.. common, "--upload-file", file, "http://localhost/upload"]));
        Assert.Equal($"{Site.Large}", await Client.RunAsync("curl", [.. common, "--output", "/dev/null", "--write-out", "%{size_download}", "http://localhost/download"]));
    }

    [Theory, Transports]
    public async Task Curl_Http2_PriorKnowledge(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map, static listen => listen.Protocols = HttpProtocols.Http2);
        string[] common = ["--silent", "--show-error", "--fail", "--max-time", "20", "--http2-prior-knowledge", "--unix-socket", server.Path];
        Assert.Equal("hello over HTTP/2", await Client.RunAsync("curl", [.. common, "http://localhost/"]));
        Assert.Equal($"{Site.Large}", await Client.RunAsync("curl", [.. common, "--output", "/dev/null", "--write-out", "%{size_download}", "http://localhost/download"]));
    }

    [Theory, Transports]
    public async Task H2load_ManyStreams_NoneFails(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map, static listen => listen.Protocols = HttpProtocols.Http2);
        string report = await Client.RunAsync("h2load", "-n", "5000", "-c", "16", "-m", "16", $"--base-uri=unix:{server.Path}", "http://localhost/");
        Assert.Contains("5000 succeeded, 0 failed, 0 errored, 0 timeout", report, StringComparison.Ordinal);
    }

    [Theory, Transports(WithTwoLoops = true)]
    public async Task H2load_Http1_NoneFails(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map);
        string report = await Client.RunAsync("h2load", "--h1", "-n", "5000", "-c", "16", $"--base-uri=unix:{server.Path}", "http://localhost/");
        Assert.Contains("5000 succeeded, 0 failed, 0 errored, 0 timeout", report, StringComparison.Ordinal);
    }

    [Theory, Transports(WithTwoLoops = true)]
    public async Task Asyncio_ChunkedRequestsOnManyConnections(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map);
        Assert.Equal("served\n", await Client.RunAsync("python3", "-c", PythonClient, server.Path));
    }

    [Theory, Transports]
    public async Task Node_KeepAliveAgent(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport, Site.Map);
        Assert.Equal("served\n", await Client.RunAsync("node", "-e", NodeClient, server.Path));
    }
}
