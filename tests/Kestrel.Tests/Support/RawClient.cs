using System.Net.Sockets;
using System.Text;

namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>The bare socket of a client, with bounded waits.</summary>
internal sealed class RawClient : IDisposable
{
    private RawClient(Socket socket) => Socket = socket;

    internal Socket Socket { get; }

    internal static async Task<RawClient> ConnectAsync(string path)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).WaitAsync(TestTimeout);
            return new RawClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    internal async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await Socket.SendAsync(bytes).AsTask().WaitAsync(TestTimeout)..];
    }

    internal Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Fills the socket until nothing more is taken for a moment; returns how many bytes went.</summary>
    internal long Fill(byte[] block)
    {
        Socket.Blocking = false;
        long sent = 0;
        while (Socket.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectWrite))
        {
            try
            {
                sent += Socket.Send(block);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                // Room for less than the kernel hands out at once.
            }
        }
        return sent;
    }

    /// <summary>0 at the end.</summary>
    internal Task<int> ReceiveAsync(Memory<byte> buffer) => Socket.ReceiveAsync(buffer).AsTask().WaitAsync(TestTimeout);

    internal async Task<byte[]> ReceiveExactlyAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int have = 0; have < count;)
        {
            int got = await ReceiveAsync(bytes.AsMemory(have));
            Assert.True(got > 0, $"the end after {have} of {count} bytes");
            have += got;
        }
        return bytes;
    }

    /// <summary>Until <paramref name="end"/> has come.</summary>
    internal async Task<string> ReceiveUntilAsync(string end)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[4096];
        while (!text.ToString().Contains(end, StringComparison.Ordinal))
        {
            int got = await ReceiveAsync(buffer);
            Assert.True(got > 0, $"the end before '{end}': {text}");
            text.Append(Encoding.ASCII.GetString(buffer, 0, got));
        }
        return text.ToString();
    }

    /// <summary>All that comes until the peer has finished or is gone.</summary>
    internal async Task<string> ReceiveAllAsync()
    {
        StringBuilder text = new();
        byte[] buffer = new byte[4096];
        try
        {
            for (int got; (got = await ReceiveAsync(buffer)) > 0;)
                text.Append(Encoding.ASCII.GetString(buffer, 0, got));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What had come is what there is.
        }
        return text.ToString();
    }

    internal void Finish() => Socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => Socket.Dispose();
}
