using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Fault.Tests;

/// <summary>How many native calls an operation makes, counted at the seam.</summary>
public sealed class CallCountTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Write_OneMebibyteInOneFlush_IsGathered()
    {
        const int Mebibyte = 1024 * 1024;
        await using var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        using var watcher = new PidfdChildWatcher();
        watcher.Attach(loop);
        await using var factory = new SubprocessFactory(loop, watcher);
        // A pipe that holds it all: how fast the child reads is not the matter.
        SubprocessStartInfo info = new("/bin/sh", "-c", "exec wc -c") { Input = Stdio.Pipe, Output = Stdio.Pipe, PipeCapacity = Mebibyte };
        await using ISubprocess child = await factory.StartAsync(info);
        FaultingInterop plan = new(fault: null);
        Faults.Plan = plan;
        try
        {
            await child.Input.WriteAsync(new byte[Mebibyte]).AsTask().WaitAsync(TestTimeout);
            await child.Input.CompleteAsync();
            Assert.True((await child.WaitForExitAsync().WaitAsync(TestTimeout)).IsSuccess);
        }
        finally
        {
            Faults.Plan = null;
        }
        Assert.Equal($"{Mebibyte}\n", System.Text.Encoding.ASCII.GetString((await child.Output.ReadAsync().AsTask().WaitAsync(TestTimeout)).Buffer.FirstSpan));

        int writes = plan.CallSites.Where(call => call.Key is "write" or "writev").Sum(call => call.Value.Count);
        // 16 of 64 KiB; more where the kernel refuses so large a pipe.
        Assert.InRange(writes, 16, 64);
    }

    /// <summary>No byte passes through user space (issue 4): each is moved by splice(2), in either direction.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task CopyTo_BetweenAPipeAndAConnection_IsSplicedAlone(bool toConnection)
    {
        byte[] content = new byte[1 << 20];
        new Random(7).NextBytes(content);
        await using var loop = new UnixEventLoop();
        await loop.StartAsync().WaitAsync(TestTimeout);
        PosixError.ThrowIfError(Libc.UnixSocketPair(SOCK_STREAM, out int ours, out int theirs), "socketpair");
        using UnixHandle peer = new(theirs);
        await using UnixStreamConnection connection = UnixStreamConnection.FromSocket(loop, new UnixHandle(ours));
        await using ReadPipe input = ReadPipe.Create(loop, out SafeFileHandle writeEnd);
        await using WritePipe output = WritePipe.Create(loop, out SafeFileHandle readEnd);
        FaultingInterop plan = new(fault: null);
        Faults.Plan = plan;
        byte[] received = new byte[content.Length];
        try
        {
            Task copying = toConnection ? input.Input.CopyToAsync(connection.Output) : connection.Input.CopyToAsync(output.Output);
            int from = toConnection ? (int)writeEnd.DangerousGetHandle() : peer.Descriptor;
            int to = toConnection ? peer.Descriptor : (int)readEnd.DangerousGetHandle();
            Task writing = Task.Run(() => Move(content, bytes => toConnection ? Libc.Write(from, bytes) : Libc.Send(from, bytes)));
            Task reading = Task.Run(() => Move(received, bytes => toConnection ? Libc.Receive(to, bytes) : Libc.Read(to, bytes)));
            await Task.WhenAll(writing, reading).WaitAsync(TestTimeout);
            if (toConnection)
                writeEnd.Dispose();
            else
                PosixError.ThrowIfError(Libc.Shutdown(peer.Descriptor, SHUT_WR), "shutdown");
            await copying.WaitAsync(TestTimeout);
        }
        finally
        {
            Faults.Plan = null;
            writeEnd.Dispose();
            readEnd.Dispose();
        }
        Assert.Equal(content, received);
        Assert.InRange(plan.CallSites["splice"].Count, 4, int.MaxValue);
        string[] copies = ["read", "recv", "write", "writev", "send", "sendmsg"];
        Assert.DoesNotContain(
            plan.CallSites.Where(call => copies.Contains(call.Key)).SelectMany(call => call.Value),
            site => !site.Contains(nameof(CallCountTests), StringComparison.Ordinal));
    }

    private static void Move(byte[] bytes, Func<byte[], PosixResult> call)
    {
        for (int done = 0; done < bytes.Length;)
        {
            byte[] part = bytes[done..Math.Min(done + 65536, bytes.Length)];
            PosixResult moved = call(part);
            if (moved.Errno == EAGAIN)
            {
                Thread.Yield();
                continue;
            }
            int count = PosixError.ThrowIfError(moved, "a peer's call");
            part.AsSpan(0, count).CopyTo(bytes.AsSpan(done));
            done += count;
        }
    }
}
