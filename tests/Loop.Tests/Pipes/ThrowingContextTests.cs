using Microsoft.Win32.SafeHandles;
using UnixLoop.Loop.Tests.Loops;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>A context that takes no work any more loses who awaits in it; the pipe's end comes all the same, and the loop is told.</summary>
public sealed class ThrowingContextTests : PublicPipeTest
{
    private readonly TaskCompletionSource<UnhandledExceptionContext> _reported = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Loop.UnhandledException += _reported.SetResult;
    }

    [Fact]
    public async Task End_TheReadersContextThrows_ThePipeEnds()
    {
        await using ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        _ = ThrowingContext.Within(async () => await pipe.Input.ReadAsync());
        writeEnd.Dispose();
        await EndOf(pipe);
        await AssertReportedAsync();
    }

    [Fact]
    public async Task Close_TheReadersContextThrows_ThePipeEnds()
    {
        ReadPipe pipe = ReadPipe.Create(Loop, out SafeFileHandle writeEnd);
        using (writeEnd)
        {
            _ = ThrowingContext.Within(async () => await pipe.Input.ReadAsync());
            await pipe.DisposeAsync();
            await EndOf(pipe);
        }
        await AssertReportedAsync();
    }

    [Fact]
    public async Task End_TheWritersContextThrows_ThePipeEnds()
    {
        await using WritePipe pipe = WritePipe.Create(Loop, out SafeFileHandle readEnd);
        _ = ThrowingContext.Within(async () => await pipe.Output.WriteAsync(new byte[1024 * 1024]));
        readEnd.Dispose();
        await Assert.ThrowsAsync<IOException>(() => pipe.Completion.WaitAsync(TestTimeout));
        await AssertReportedAsync();
    }

    private async Task AssertReportedAsync()
    {
        UnhandledExceptionContext context = await _reported.Task.WaitAsync(TestTimeout);
        Assert.Equal(ThrowingContext.Message, context.Exception.Message);
        Assert.Equal(1, Loop.GetStatistics().UnhandledExceptions);
    }
}
