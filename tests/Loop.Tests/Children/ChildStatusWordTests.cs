using UnixLoop.Children;
using static Tmds.Linux.LibC;

namespace UnixLoop.Loop.Tests.Children;

public sealed class ChildStatusWordTests
{
    [Theory]
    [InlineData(0x0000, ChildExitKind.Exited, 0, 0, "exit code 0")]
    [InlineData(0x0c00, ChildExitKind.Exited, 12, 12, "exit code 12")]
    [InlineData(0xff00, ChildExitKind.Exited, 255, 255, "exit code 255")]
    [InlineData(0x0009, ChildExitKind.Signaled, -9, 137, "killed by SIGKILL")]
    [InlineData(0x008b, ChildExitKind.Signaled, -11, 139, "killed by SIGSEGV (core dumped)")]
    [InlineData(0x137f, ChildExitKind.Unknown, 0x137f, 255, "unknown status 0x137f")] // a stop
    public void Decode_Word_IsToldInEveryWay(int word, ChildExitKind kind, int returnCode, int shellCode, string text)
    {
        ChildExitStatus status = ChildStatusWord.Decode(word);
        Assert.Equal((kind, word, returnCode, shellCode), (status.Kind, status.RawStatus, status.ReturnCode, status.ShellExitCode));
        Assert.Equal(text, status.ToString());
        Assert.Equal(word == 0, status.IsSuccess);
        Assert.Equal((word & 0x80) != 0, status.CoreDumped);
    }

    [Fact]
    public void From_WaitIdsCodes_GivesTheWordOfWait()
    {
        Assert.Equal(0x0c00, ChildStatusWord.From(CLD_EXITED, 12));
        Assert.Equal(0x0009, ChildStatusWord.From(CLD_KILLED, 9));
        Assert.Equal(0x008b, ChildStatusWord.From(CLD_DUMPED, 11));
        Assert.Equal(ChildExitKind.Unknown, ChildStatusWord.Decode(ChildStatusWord.From(CLD_STOPPED, 19)).Kind);
    }
}
