using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Fault.Tests.Interop;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>A FIFO from a writer to a reader, and a pair of sockets: more than they hold, so that both sides wait for each other.</summary>
internal sealed class PublicPipesScenario : Scenario
{
    private const int Bytes = 700_000;

    internal override string Name => "pipes and FIFOs";

    /// <summary>ENXIO is a FIFO without a reader, which is waited for; a directory or a read-only file system is none of these.</summary>
    internal override bool CanHappen(string function, int errno) => function != "recv" || errno != ENOTCONN;

    internal override async Task RunAsync(Rig rig)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("fault-pipes-");
        rig.AtEnd(() =>
        {
            folder.Delete(recursive: true);
            return Task.CompletedTask;
        });
        string path = Path.Combine(folder.FullName, "fifo");
        TestLibc.MakeFifo(path);
        await using (ReadPipe reader = ReadPipe.Open(loop, path))
        await using (WritePipe writer = await WritePipe.OpenAsync(loop, path))
            await MoveAsync(rig, writer, reader);

        (SafeFileHandle one, SafeFileHandle other) = FaultLibc.SocketPair();
        using (one)
        using (other)
        {
            await using ReadPipe reader = ReadPipe.FromHandle(loop, one);
            await using WritePipe writer = WritePipe.FromHandle(loop, other);
            await MoveAsync(rig, writer, reader);
        }
    }

    /// <summary>What epoll refuses is an ArgumentException; a descriptor that can't be looked at may be taken for one of another kind.</summary>
    internal override bool Documents(Exception exception, InjectedFault fault) =>
        exception is ArgumentException && fault.Function is "epoll_ctl EPOLL_CTL_ADD" or "getsockopt" or "getpeername";

    private static async Task MoveAsync(Rig rig, WritePipe writer, ReadPipe reader)
    {
        Task<Exception?> writing = rig.Track(WriteAsync(writer));
        var all = new MemoryStream();
        Exception? failed = null;
        try
        {
            await reader.Input.CopyToAsync(all);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            failed = e;
        }
        await reader.DisposeAsync();
        failed ??= await writing;
        _ = rig.Track(reader.Completion);
        _ = rig.Track(writer.Completion);
        bool isTold = failed is not null || writer.Completion.IsFaulted;
        rig.Expect(all.Length == Bytes || isTold, $"what was written is read, or its loss is told: {all.Length} of {Bytes}");
        ReadOnlySpan<byte> read = all.GetBuffer().AsSpan(0, (int)all.Length);
        for (int i = 0; i < read.Length; i++)
        {
            if (read[i] != (byte)(i / 1000))
            {
                rig.Expect(false, $"what was written is read in order: byte {i} is {read[i]}");
                break;
            }
        }
        if (failed is not null)
            throw failed;
    }

    /// <summary>Returns what it was told, and not throws: the reader's error comes first.</summary>
    private static async Task<Exception?> WriteAsync(WritePipe writer)
    {
        byte[] data = new byte[Bytes];
        for (int i = 0; i < data.Length; i++)
            data[i] = (byte)(i / 1000);
        try
        {
            await writer.Output.WriteAsync(data);
            await writer.DisposeAsync();
            return null;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return e;
        }
    }
}
