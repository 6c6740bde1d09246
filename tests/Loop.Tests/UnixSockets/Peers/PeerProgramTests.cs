using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Peers;

/// <summary>Programs that others have written, at the other end of our sockets.</summary>
public sealed class PeerProgramTests : PeerProgramTest
{
    [Fact]
    public async Task Socat_AsClient_GetsItsBytesBack()
    {
        string socat = Requires.Tool("socat");
        await using UnixStreamListener listener = await ServeAsync(SocketPath, EchoAsync);
        byte[] sent = RandomNumberGenerator.GetBytes(1 << 20);
        Assert.Equal(sent, (await RunAsync(socat, ["-t", "20", "-", $"UNIX-CONNECT:{SocketPath}"], sent)).OutputBytes.ToArray());
    }

    [Fact]
    public async Task Socat_AsClientOfAnAbstractName_GetsItsBytesBack()
    {
        string socat = Requires.Tool("socat");
        string name = $"unixloop-test-{Guid.NewGuid():N}";
        await using UnixStreamListener listener = await ServeAsync($"@{name}", EchoAsync);
        Assert.Equal("hello", (await RunAsync(socat, ["-t", "20", "-", $"ABSTRACT-CONNECT:{name}"], "hello"u8.ToArray())).Output);
    }

    [Fact]
    public async Task Socat_AsServer_EchoesOurBytes()
    {
        string socat = Requires.Tool("socat");
        await using ISubprocess server = await StartAsync(socat, $"UNIX-LISTEN:{SocketPath}", "EXEC:cat");
        await ExchangeAsync();
        Assert.True((await server.WaitForExitAsync().WaitAsync(TestTimeout)).IsSuccess);
    }

    [Fact]
    public async Task PythonAsyncio_AsClient_GetsItsBytesBack()
    {
        string python = Requires.Tool("python3");
        await using UnixStreamListener listener = await ServeAsync(SocketPath, EchoAsync);
        const string Client = """
            import asyncio, os, sys
            async def talk(n):
                reader, writer = await asyncio.open_unix_connection(sys.argv[1])
                data = os.urandom(200_000 + n)
                writer.write(data)
                writer.write_eof()
                back = await reader.read()
                writer.close()
                await writer.wait_closed()
                return back == data
            async def main():
                print(all(await asyncio.gather(*(talk(n) for n in range(20)))))
            asyncio.run(main())
            """;
        Assert.Equal("True\n", (await RunAsync(python, ["-c", Client, SocketPath])).Output);
    }

    [Fact]
    public async Task PythonAsyncio_AsServer_EchoesOurBytes()
    {
        string python = Requires.Tool("python3");
        const string Server = """
            import asyncio, sys
            done = asyncio.Event()
            async def echo(reader, writer):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
                done.set()
            async def main():
                server = await asyncio.start_unix_server(echo, sys.argv[1])
                await done.wait()
                server.close()
            asyncio.run(main())
            """;
        await using ISubprocess server = await StartAsync(python, "-c", Server, SocketPath);
        await ExchangeAsync();
        Assert.True((await server.WaitForExitAsync().WaitAsync(TestTimeout)).IsSuccess);
        File.Delete(SocketPath);
    }

    [Fact]
    public async Task Curl_TwoRequestsAndAnUpload_AreAnsweredOnOneConnection()
    {
        string curl = Requires.Tool("curl");
        int connections = 0;
        await using UnixStreamListener listener = await ServeAsync(SocketPath, connection =>
        {
            Interlocked.Increment(ref connections);
            return TinyHttp.ServeAsync(connection);
        });
        string body = new('x', 300_000);
        SubprocessResult result = await RunAsync(
            curl, ["-sS", "--unix-socket", SocketPath, "http://localhost/first", "http://localhost/second", "--next", "-sS", "--unix-socket", SocketPath, "--data-binary", "@-", "http://localhost/upload"],
            Encoding.ASCII.GetBytes(body));
        Assert.Equal("GET /first 0\nGET /second 0\nPOST /upload 300000\n", result.Output);
        Assert.Equal(1, connections);
    }

    [Fact]
    public async Task Ss_NamesAndConnections_AreThereAndThenGone()
    {
        string ss = Requires.Tool("ss");
        UnixStreamListener listener = await ServeAsync(SocketPath, EchoAsync);
        List<UnixStreamConnection> clients = [];
        for (int i = 0; i < 3; i++)
            clients.Add(await ConnectAsync());
        foreach (UnixStreamConnection client in clients)
            await RoundTripAsync(client);
        // Three of ours by name; the clients' ends have none.
        Assert.Equal((1, 3), await CountAsync(ss));
        foreach (UnixStreamConnection client in clients)
            await DisposeAsync(client);
        // Not disposed at once: that would end the echoes before they have seen the clients' end.
        listener.Close();
        await listener.WaitClosedAsync().WaitAsync(TestTimeout);
        Assert.Equal((0, 0), await CountAsync(ss));
    }

    private async Task<(int Listening, int Established)> CountAsync(string ss)
    {
        string[] lines = [.. (await RunAsync(ss, ["-xanH"])).Output.Split('\n').Where(line => line.Contains($" {SocketPath} ", StringComparison.Ordinal))];
        return (lines.Count(line => line.Contains("LISTEN", StringComparison.Ordinal)), lines.Count(line => line.Contains("ESTAB", StringComparison.Ordinal)));
    }

    private Task<UnixStreamConnection> ConnectAsync() => UnixStreamConnection.ConnectAsync(Loop, AddressOf(SocketPath)).WaitAsync(TestTimeout);

    /// <summary>With a server that is only just starting: sends, ends our direction, reads to the end of theirs.</summary>
    private async Task ExchangeAsync()
    {
        UnixStreamConnection? connection = null;
        using (CancellationTokenSource bound = new(TestTimeout))
        using (PeriodicTimer retry = new(TimeSpan.FromMilliseconds(20)))
        {
            while (connection is null)
            {
                try
                {
                    connection = await ConnectAsync();
                }
                catch (IOException)
                {
                    await retry.WaitForNextTickAsync(bound.Token);
                }
            }
        }
        byte[] sent = RandomNumberGenerator.GetBytes(1 << 20);
        Task<byte[]> reading = ReadToEndAsync(connection.Input);
        await connection.Output.WriteAsync(sent).AsTask().WaitAsync(TestTimeout);
        await connection.Output.CompleteAsync();
        Assert.Equal(sent, await reading.WaitAsync(TestTimeout));
        await DisposeAsync(connection);
    }

    private static async Task RoundTripAsync(UnixStreamConnection connection)
    {
        await connection.Output.WriteAsync("ping"u8.ToArray()).AsTask().WaitAsync(TestTimeout);
        ReadResult read = await connection.Input.ReadAtLeastAsync(4).AsTask().WaitAsync(TestTimeout);
        Assert.Equal("ping", Encoding.ASCII.GetString(read.Buffer.ToArray()));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        using MemoryStream all = new();
        await reader.CopyToAsync(all);
        return all.ToArray();
    }
}
