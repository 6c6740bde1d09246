using Microsoft.Win32.SafeHandles;
using UnixLoop.Loop.Tests.Subprocesses;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Pipes whose other ends are a child's (tokio: anon_pipe_spawn_echo).</summary>
public sealed class ChildPipeTests : SubprocessTest
{
    [Fact]
    public async Task Create_OtherEndsAreAChilds_CarryItsStreamsAndItsEnd()
    {
        await using WritePipe input = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        await using ReadPipe output = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        SubprocessStartInfo cat = new("/bin/cat") { Input = Stdio.Descriptor(readEnd), Output = Stdio.Descriptor(writeEnd) };
        await using ISubprocess child = await StartAsync(cat);
        // Our copies: the child has its own.
        readEnd.Dispose();
        writeEnd.Dispose();
        byte[] sent = new byte[500_000];
        new Random(7).NextBytes(sent);
        Task writing = Task.Run(async () =>
        {
            await input.Output.WriteAsync(sent);
            await input.Output.CompleteAsync();
        });
        var all = new MemoryStream();
        await output.Input.CopyToAsync(all).WaitAsync(TestTimeout);
        await writing.WaitAsync(TestTimeout);
        Assert.Equal(sent, all.ToArray());
        Assert.True((await ExitOf(child)).IsSuccess);
    }
}
