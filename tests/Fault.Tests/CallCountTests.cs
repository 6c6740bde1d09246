using UnixLoop.Fault.Tests.Injection;
using UnixLoop.Interop;

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
}
