using System.IO.Pipelines;
using System.Net.Sockets;
using UnixLoop.Transports;

namespace UnixLoop.Peer;

/// <summary>
/// idle: the managed memory of a server's connections that have echoed one message and wait for the next, each with its pending
/// read. The clients are a process of their own, so that 10,000 of them fit below 20,000 descriptors.
/// </summary>
internal static class IdleWorkload
{
    /// <summary>Connected, answered and closed again before the first look at the memory: what is made once is there then.</summary>
    private const int WarmUp = 200;

    private const string Ready = "ready";

    internal static async Task RunAsync(IUnixEventLoop loop, ISubprocessFactory factory, string path, int count)
    {
        await using UnixStreamListener listener = await EchoWorkload.BindAsync(loop, path, onPool: false);
        Task serving = EchoWorkload.ServeAsync(listener);
        await MeasureAsync(factory, path, WarmUp);
        OwnMemory measured = await MeasureAsync(factory, path, count);
        Console.WriteLine($"connections={count} managed_bytes={measured.Managed / (double)count:F0} resident_bytes={measured.Resident / (double)count:F0}");
        await listener.DisposeAsync();
        await serving;
    }

    /// <summary>The clients' process: connects, has one message echoed by each connection, and holds them until its input ends.</summary>
    internal static void Hold(string path, int count)
    {
        UnixDomainSocketEndPoint address = new(path);
        var sockets = new Socket[count];
        byte[] message = new byte[64];
        for (int i = 0; i < count; i++)
        {
            sockets[i] = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            sockets[i].Connect(address);
            sockets[i].Send(message);
            for (int got = 0; got < message.Length;)
                got += sockets[i].Receive(message);
        }
        Console.WriteLine(Ready);
        Console.In.ReadToEnd();
        foreach (Socket socket in sockets)
            socket.Dispose();
    }

    private static async Task<OwnMemory> MeasureAsync(ISubprocessFactory factory, string path, int count)
    {
        OwnMemory before = OwnMemory.Now();
        SubprocessStartInfo clients = new(Environment.ProcessPath!, "hold", path, $"{count}") { Input = Stdio.Pipe, Output = Stdio.Pipe };
        await using ISubprocess child = await factory.StartAsync(clients);
        ReadResult said = await child.Output.ReadAtLeastAsync(Ready.Length);
        if (said.Buffer.Length < Ready.Length)
            throw new InvalidOperationException($"The clients' process has ended with {await child.WaitForExitAsync()}.");
        child.Output.AdvanceTo(said.Buffer.End);
        OwnMemory after = OwnMemory.Now();
        await child.Input.CompleteAsync();
        ChildExitStatus status = await child.WaitForExitAsync();
        if (!status.IsSuccess)
            throw new InvalidOperationException($"The clients' process has ended with {status}.");
        return after - before;
    }
}
