using System.IO.Pipelines;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.UnixSockets;

/// <summary>A loop, and pairs of connections that are closed at the end.</summary>
public abstract class PairTest : LoopTest
{
    private readonly List<IAsyncDisposable> _open = [];

    /// <param name="options">Of both.</param>
    /// <param name="reads">False: the other one stops reading at once, so that the first's queue fills.</param>
    protected (UnixStreamConnection One, UnixStreamConnection Other) Pair(UnixStreamConnectionOptions? options = null, bool reads = true)
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int first, out int second), "socketpair");
        using UnixHandle oneSocket = new(first), otherSocket = new(second);
        UnixStreamConnection one = Make(oneSocket, options);
        UnixStreamConnection other = Make(otherSocket, reads ? options : new UnixStreamConnectionOptions { InputHighWaterMark = 0, InputLowWaterMark = 0 });
        return (one, other);
    }

    private UnixStreamConnection Make(UnixHandle socket, UnixStreamConnectionOptions? options)
    {
        // A duplicate: a refused one stays the caller's.
        UnixHandle own = new(PosixError.ThrowIfError(Libc.Fcntl(socket.Descriptor, F_DUPFD_CLOEXEC), "fcntl"));
        try
        {
            var connection = UnixStreamConnection.FromSocket(Loop, own, options);
            _open.Add(connection);
            return connection;
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    protected T Keep<T>(T open) where T : IAsyncDisposable
    {
        _open.Add(open);
        return open;
    }

    protected static async Task<string> ReadTextAsync(IDuplexPipe pipe, int length)
    {
        ReadResult read = await pipe.Input.ReadAtLeastAsync(length).AsTask().WaitAsync(TestTimeout);
        string text = Encoding.UTF8.GetString(read.Buffer);
        pipe.Input.AdvanceTo(read.Buffer.End);
        return text;
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable open in Enumerable.Reverse(_open))
            await open.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
