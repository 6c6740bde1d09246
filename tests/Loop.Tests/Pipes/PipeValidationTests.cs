using Microsoft.Win32.SafeHandles;
using UnixLoop.Interop;
using UnixLoop.Transports;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>What is refused, by name, with the handle still the caller's.</summary>
public sealed class PipeValidationTests : PublicPipeTest
{
    [Fact]
    public async Task FromHandle_RegularFile_IsRefusedAndLeftOpen()
    {
        using SafeFileHandle file = File.OpenHandle(NewPath(), FileMode.Create, FileAccess.ReadWrite);
        Refused(() => ReadPipe.FromHandle(Loop, file), $"Descriptor {file.DangerousGetHandle()} is a regular file");
        Refused(() => WritePipe.FromHandle(Loop, file), $"Descriptor {file.DangerousGetHandle()} is a regular file");
        Assert.False(file.IsClosed);
        await SettleAsync();
    }

    [Fact]
    public void FromHandle_WrongAccessMode_IsRefusedAndLeftOpen()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        using (read)
        using (write)
        {
            Refused(() => ReadPipe.FromHandle(Loop, write), $"Descriptor {write.Descriptor} is not open for reading");
            Refused(() => WritePipe.FromHandle(Loop, read), $"Descriptor {read.Descriptor} is not open for writing");
            Assert.False(read.IsClosed || write.IsClosed);
        }
    }

    [Fact]
    public void FromHandle_SocketThatIsNoConnectedStream_IsRefused()
    {
        (UnixHandle one, UnixHandle other) = NewSockets(SOCK_DGRAM);
        using (one)
        using (other)
            Refused(() => ReadPipe.FromHandle(Loop, one), "is a socket that is not a connected stream");
        using UnixHandle unconnected = new(PosixError.ThrowIfError(Libc.UnixSocket(SOCK_STREAM), "socket"));
        Refused(() => WritePipe.FromHandle(Loop, unconnected), "is a socket that is not a connected stream");
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void FromHandle_StandardStream_IsSentToItsOwnMethod(int number)
    {
        using SafeFileHandle own = new(number, ownsHandle: false); // it stays the process's
        Refused(() => ReadPipe.FromHandle(Loop, own), "OpenStandardInput");
        Refused(() => WritePipe.FromHandle(Loop, own), "OpenStandardOutput");
    }

    [Fact]
    public void FromHandle_ClosedOrInvalid_IsRefused()
    {
        (UnixHandle read, UnixHandle write) = NewPipe();
        read.Dispose();
        write.Dispose();
        Refused(() => ReadPipe.FromHandle(Loop, read), "holds no descriptor");
        Refused(() => WritePipe.FromHandle(Loop, new SafeFileHandle(-1, ownsHandle: false)), "holds no descriptor"); // there is none
        Assert.Throws<ArgumentNullException>(() => ReadPipe.FromHandle(Loop, null!));
        Assert.Throws<ArgumentNullException>(() => ReadPipe.FromHandle(null!, read));
    }

    [Fact]
    public async Task Open_NotAPipe_IsRefusedByName()
    {
        string path = NewPath();
        await File.WriteAllTextAsync(path, "text");
        Refused(() => ReadPipe.Open(Loop, path), $"'{path}' is a regular file");
        Assert.Contains($"'{path}' is a regular file",
            (await Assert.ThrowsAsync<ArgumentException>(() => WritePipe.OpenAsync(Loop, path))).Message, StringComparison.Ordinal);
        Assert.Equal("text", await File.ReadAllTextAsync(path));
        Refused(() => ReadPipe.Open(Loop, Path.GetDirectoryName(path)!), "is a directory");
        Refused(() => ReadPipe.Open(Loop, "/dev/null", new ReadPipeOptions { SurvivesWriters = true }), "SurvivesWriters");
    }

    [Fact]
    public async Task Open_Missing_NamesThePathAndTheErrno()
    {
        string path = NewPath("missing");
        Assert.Equal($"ENOENT: open '{path}' for reading: No such file or directory", Assert.Throws<IOException>(() => ReadPipe.Open(Loop, path)).Message);
        IOException e = await Assert.ThrowsAsync<IOException>(() => WritePipe.OpenAsync(Loop, path));
        Assert.Equal($"ENOENT: open '{path}' for writing: No such file or directory", e.Message);
    }

    [Fact]
    public void Options_OutOfRange_NameTheRule()
    {
        Assert.Contains("HighWaterMark", Assert.Throws<ArgumentOutOfRangeException>(() => ReadPipe.Create(Loop, out _, new() { HighWaterMark = -1 })).Message, StringComparison.Ordinal);
        Assert.Contains("LowWaterMark is from 0 to HighWaterMark, which is 10",
            Assert.Throws<ArgumentOutOfRangeException>(() => WritePipe.Create(Loop, out _, new() { HighWaterMark = 10, LowWaterMark = 11 })).Message, StringComparison.Ordinal);
        Assert.Contains("CloseTimeout", Assert.Throws<ArgumentOutOfRangeException>(() => WritePipe.Create(Loop, out _, new() { CloseTimeout = TimeSpan.FromDays(100) })).Message, StringComparison.Ordinal);
        Refused(() => ReadPipe.Open(Loop, "a\0b"), "NUL character at index 1");
        Refused(() => ReadPipe.Open(Loop, "a\ud800"), "half a surrogate pair");
        Refused(() => ReadPipe.Create(Loop, out _, new() { SurvivesWriters = true }), "SurvivesWriters");
        Refused(() => ReadPipe.OpenStandardInput(Loop, new() { SurvivesWriters = true }), "SurvivesWriters");
    }

    private static void Refused(Func<object> make, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
}
