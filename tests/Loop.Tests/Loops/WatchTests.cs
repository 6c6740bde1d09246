using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;

namespace UnixLoop.Loop.Tests.Loops;

public sealed class WatchTests : LoopTest
{
    private UnixHandle _read = null!;
    private UnixHandle _write = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_read, _write) = NewPipe();
    }

    private void ClosePipe()
    {
        _read.Dispose();
        _write.Dispose();
    }

    private void Fill() => Libc.Write(_write.Descriptor, [1]);

    private void Drain() => Libc.Read(_read.Descriptor, new byte[16]);

    [Fact]
    public async Task WatchReadable_DataComes_CallsBackOnTheLoopUntilItIsRead()
    {
        TaskCompletionSource<bool> twice = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        using (Loop.WatchReadable(_read, () =>
        {
            if (++calls == 2) // level-triggered: the byte is still there
            {
                Drain();
                twice.SetResult(Loop.IsOnLoopThread);
            }
        }))
        {
            Fill();
            Assert.True(await twice.Task.WaitAsync(TestTimeout));
            await SettleAsync();
            Assert.Equal(2, calls);
        }
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        ClosePipe();
    }

    [Fact]
    public async Task WatchWritable_ReadEndCloses_CallsBack()
    {
        while (Libc.Write(_write.Descriptor, new byte[65536]).IsSuccess)
        {
            // Until the pipe is full.
        }
        TaskCompletionSource writable = NewSignal();
        IDisposable? watch = null;
        watch = Loop.WatchWritable(_write, () => { watch!.Dispose(); writable.TrySetResult(); });
        await SettleAsync();
        Assert.False(writable.Task.IsCompleted);
        _read.Dispose();
        await writable.Task.WaitAsync(TestTimeout);
        ClosePipe();
    }

    [Fact]
    public async Task Watch_BothDirectionsOfOneDescriptor_TellsEachOfItsOwn()
    {
        using var a = new UnixHandle(Libc.EventFd().IntValue); // writable, and readable only once it was written
        int reads = 0;
        TaskCompletionSource writable = NewSignal();
        using (Loop.WatchReadable(a, () => reads++))
        {
            IDisposable? write = null;
            write = Loop.WatchWritable(a, () => { write?.Dispose(); writable.TrySetResult(); });
            await writable.Task.WaitAsync(TestTimeout);
            Assert.Equal(1, Loop.GetStatistics().WatchedDescriptors);
            await SettleAsync();
            Assert.Equal(0, reads);
            write.Dispose();
        }
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        ClosePipe();
    }

    [Fact]
    public async Task Dispose_InsideItsOwnCallback_EndsTheWatch()
    {
        int calls = 0;
        IDisposable? watch = null;
        TaskCompletionSource called = NewSignal();
        await Loop.InvokeAsync(() => watch = Loop.WatchReadable(_read, () => { calls++; watch!.Dispose(); called.SetResult(); })).WaitAsync(TestTimeout);
        Fill();
        await called.Task.WaitAsync(TestTimeout);
        await SettleAsync();
        Assert.Equal(1, calls);
        ClosePipe();
    }

    [Fact]
    public async Task Rule04_StaleEventOfARemovedRegistration_IsDropped()
    {
        // Both pipes are ready in one batch; the first callback removes the other's watch and registers it anew.
        (UnixHandle read2, UnixHandle write2) = NewPipe();
        List<string> calls = [];
        Dictionary<string, IDisposable> watches = [];
        TaskCompletionSource done = NewSignal();
        void First(string me, string other, UnixHandle otherRead)
        {
            calls.Add(me);
            watches[me].Dispose();
            watches[other].Dispose();
            watches[other] = Loop.WatchReadable(otherRead, () => { calls.Add("new " + other); watches[other].Dispose(); done.SetResult(); });
        }
        await Loop.InvokeAsync(() =>
        {
            watches["a"] = Loop.WatchReadable(_read, () => First("a", "b", read2));
            watches["b"] = Loop.WatchReadable(read2, () => First("b", "a", _read));
            Fill();
            Libc.Write(write2.Descriptor, [1]);
        }).WaitAsync(TestTimeout);
        await done.Task.WaitAsync(TestTimeout);
        Assert.Equal(2, calls.Count);
        Assert.StartsWith("new ", calls[1], StringComparison.Ordinal);
        read2.Dispose();
        write2.Dispose();
        ClosePipe();
    }

    [Fact]
    public void WatchReadable_Twice_IsRefusedAndNamesTheDescriptor()
    {
        using (Loop.WatchReadable(_read, () => { }))
        {
            var e = Assert.Throws<InvalidOperationException>(() => Loop.WatchReadable(_read, () => { }));
            Assert.Contains($"Descriptor {_read.Descriptor} is already watched for being readable", e.Message, StringComparison.Ordinal);
        }
        using (Loop.WatchReadable(_read, () => { }))
        {
            // After the removal it is free again.
        }
        ClosePipe();
    }

    [Fact]
    public void WatchReadable_DescriptorOfATransport_IsRefusedAndNamesTheHolder()
    {
        using (Loop.Selector.Register(_read, (uint)Tmds.Linux.LibC.EPOLLIN, new NamedHandler()))
        {
            var e = Assert.Throws<InvalidOperationException>(() => Loop.WatchReadable(_read, () => { }));
            Assert.Contains("the test's transport", e.Message, StringComparison.Ordinal);
        }
        ClosePipe();
    }

    private sealed class NamedHandler : Selector.IReadyHandler
    {
        public void OnReady(uint events) { }

        public void OnLoopEnded() { }

        public override string ToString() => "the test's transport";
    }

    [Fact]
    public void WatchReadable_RegularFile_IsRefusedByName()
    {
        using SafeFileHandle file = File.OpenHandle(typeof(WatchTests).Assembly.Location);
        var e = Assert.Throws<ArgumentException>(() => Loop.WatchReadable(file, () => { }));
        Assert.Contains("regular files", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        ClosePipe();
    }

    [Fact]
    public void WatchReadable_InvalidOrClosedHandle_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => Loop.WatchReadable(new UnixHandle(-1), () => { }));
        ClosePipe();
        Assert.Throws<ObjectDisposedException>(() => Loop.WatchReadable(_read, () => { }));
        Assert.Throws<ArgumentNullException>(() => Loop.WatchReadable(null!, () => { }));
    }

    [Fact]
    public async Task Rule03_HandleDisposedWhileWatched_ClosesOnlyAfterTheWatchIsGone()
    {
        int descriptor = _read.Descriptor;
        IDisposable watch = Loop.WatchReadable(_read, () => { });
        _read.Dispose();
        Assert.True(File.Exists($"/proc/self/fd/{descriptor}") || new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget is not null);
        watch.Dispose();
        Assert.Null(new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget);
        await SettleAsync();
        ClosePipe();
    }

    [Fact]
    public async Task Watch_LeftAtTheStop_IsReleased()
    {
        _ = Loop.WatchReadable(_read, () => { });
        _ = Loop.WatchWritable(_write, () => { });
        await Loop.StopAsync().WaitAsync(TestTimeout);
        ClosePipe();
        Assert.True(_read.IsClosed);
    }

    [Fact]
    public async Task Dispose_OfAWatchAfterTheStop_IsQuiet()
    {
        IDisposable watch = Loop.WatchReadable(_read, () => { });
        await Loop.StopAsync().WaitAsync(TestTimeout);
        watch.Dispose();
        ClosePipe();
    }

    [Fact]
    public async Task Rule04_RegisterAndRemoveFromManyThreads_LosesNoWatchAndLeavesNone()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++)
            {
                (UnixHandle read, UnixHandle write) = NewPipe();
                using (read)
                using (write)
                {
                    TaskCompletionSource seen = NewSignal();
                    using IDisposable watch = Loop.WatchReadable(read, () => seen.TrySetResult());
                    Libc.Write(write.Descriptor, [1]);
                    await seen.Task.WaitAsync(TestTimeout);
                }
            }
        }))).WaitAsync(TestTimeout);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
        ClosePipe();
    }

    [Fact]
    public async Task Callback_Throws_IsReportedWithItsDescriptor()
    {
        TaskCompletionSource<UnhandledExceptionContext> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.UnhandledException += context => told.TrySetResult(context);
        IDisposable? watch = null;
        await Loop.InvokeAsync(() => watch = Loop.WatchReadable(_read, () => { watch!.Dispose(); throw new InvalidTimeZoneException(); })).WaitAsync(TestTimeout);
        Fill();
        UnhandledExceptionContext context = await told.Task.WaitAsync(TestTimeout);
        Assert.Equal(_read.Descriptor, context.Descriptor);
        ClosePipe();
    }
}
