using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using UnixLoop.Interop;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>What tests of <see cref="ReadPipe"/> and <see cref="WritePipe"/> share: a folder, FIFOs, sockets, terminals, and reading to the end.</summary>
public abstract class PublicPipeTest : PipeTest
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pipes-");

    public override async ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected string NewPath(string name = "file") => Path.Combine(_folder.FullName, name);

    protected string NewFifo(string name = "fifo")
    {
        string path = NewPath(name);
        TestLibc.MakeFifo(path);
        return path;
    }

    internal static (UnixHandle One, UnixHandle Other) NewSockets(int? type = null)
    {
        PosixError.ThrowIfError(Libc.UnixSocketPair(type ?? SOCK_STREAM, out int one, out int other), "socketpair");
        return (new UnixHandle(one), new UnixHandle(other));
    }

    /// <summary>A pseudo-terminal; its lines come back as they are, and nothing echoes.</summary>
    internal static (UnixHandle Master, UnixHandle Slave) NewTerminal()
    {
        var master = new UnixHandle(PosixError.ThrowIfError(Libc.Open("/dev/ptmx", O_RDWR | O_NONBLOCK), "openat"));
        PosixError.ThrowIfError(Libc.UnlockPeer(master.Descriptor), "ioctl");
        var slave = new UnixHandle(PosixError.ThrowIfError(Libc.OpenPeer(master.Descriptor), "ioctl"));
        return (master, slave);
    }

    /// <summary>A writer of the FIFO, which does not block.</summary>
    internal static UnixHandle OpenFifo(string path, int mode) =>
        new(PosixError.ThrowIfError(Libc.Open(path, mode | O_NONBLOCK), "openat"));

    internal static void Put(SafeHandle handle, string text) => PutAll(handle, Encoding.ASCII.GetBytes(text));

    /// <summary>Writes all, and waits where the descriptor blocks.</summary>
    internal static void PutAll(SafeHandle handle, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[PosixError.ThrowIfError(Libc.Write((int)handle.DangerousGetHandle(), bytes), "write")..];
    }

    /// <summary>Reads until <paramref name="text"/> has come, and nothing else.</summary>
    protected static async Task ExpectAsync(PipeReader reader, string text)
    {
        ReadResult read = await reader.ReadAtLeastAsync(text.Length).AsTask().WaitAsync(TestTimeout);
        Assert.Equal(text, Encoding.ASCII.GetString(read.Buffer.ToArray()));
        reader.AdvanceTo(read.Buffer.End);
    }

    protected static async Task ExpectEndAsync(PipeReader reader)
    {
        ReadResult read = await reader.ReadAsync().AsTask().WaitAsync(TestTimeout);
        Assert.Equal("", Encoding.ASCII.GetString(read.Buffer.ToArray()));
        Assert.True(read.IsCompleted);
        reader.AdvanceTo(read.Buffer.End);
    }

    protected static Task<FlushResult> WriteAsync(WritePipe pipe, string text) =>
        pipe.Output.WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask().WaitAsync(TestTimeout);

    protected static Task EndOf(ReadPipe pipe) => pipe.Completion.WaitAsync(TestTimeout);

    protected static Task EndOf(WritePipe pipe) => pipe.Completion.WaitAsync(TestTimeout);

    internal static string ReadNow(SafeHandle handle)
    {
        byte[] buffer = new byte[4096];
        PosixResult read = Libc.Read((int)handle.DangerousGetHandle(), buffer);
        return read.IsError ? read.ToString() : Encoding.ASCII.GetString(buffer, 0, read.IntValue);
    }
}
