using UnixLoop.Interop;
using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

public sealed class BytesPumpTests : PipeTest
{
    [Fact]
    public void Start_WhatFitsIntoThePipe_IsWrittenAtOnceWithoutARegistration()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        var pump = new BytesPump(Loop, write, "hello"u8.ToArray(), Owner);
        pump.Start();
        Assert.True(pump.IsEnded);
        Assert.Equal(1, Owner.Endings);
        Assert.Equal("hello"u8.ToArray(), ReadToEnd(read));
        read.Dispose();
    }

    [Fact]
    public void Start_Nothing_IsTheEnd()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        new BytesPump(Loop, write, default, Owner).Start();
        Assert.Empty(ReadToEnd(read));
        read.Dispose();
    }

    [Fact]
    public async Task Start_MoreThanThePipeHolds_GoesOnAsItIsRead()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        byte[] data = new byte[3_000_000];
        new Random(2).NextBytes(data);
        new BytesPump(Loop, write, data, Owner).Start();
        Assert.Equal(0, Owner.Endings);
        Assert.Equal(data, await Task.Run(() => ReadToEnd(read)).WaitAsync(TestTimeout));
        await Owner.Ended;
        read.Dispose();
    }

    [Fact]
    public async Task Reader_StopsEarly_EndsItQuietly()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        new BytesPump(Loop, write, new byte[1_000_000], Owner).Start();
        Libc.Read(read.Descriptor, new byte[10]);
        read.Dispose();
        await Owner.Ended;
        Assert.Equal(1, Owner.Endings);
        Assert.Equal(0, Loop.GetStatistics().WatchedDescriptors);
    }

    [Fact]
    public async Task Reader_WasNeverThere_EndsItQuietly()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        read.Dispose();
        new BytesPump(Loop, write, new byte[10], Owner).Start();
        await Owner.Ended;
    }

    [Fact]
    public async Task LoopEnds_WithBytesLeft_EndsIt()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        new BytesPump(Loop, write, new byte[1_000_000], Owner).Start();
        await Loop.StopAsync().WaitAsync(TestTimeout);
        await Owner.Ended;
        Assert.Equal(1, Owner.Endings);
        read.Dispose();
    }
}
