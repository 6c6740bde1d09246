namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class ShellTests : SubprocessTest
{
    [Fact]
    public async Task Shell_Text_IsReadByTheShell() =>
        Assert.Equal("2\n", (await RunAsync(SubprocessStartInfo.Shell("echo one two | wc -w | tr -d ' '"))).Output);

    [Fact]
    public async Task Shell_Arguments_AreNotReadByTheShell() =>
        Assert.Equal("$(id); 'a b' * |\n2\n", (await RunAsync(SubprocessStartInfo.Shell("echo \"$1\"; echo $#", "$(id); 'a b' * |", "-x"))).Output);

    [Theory]
    [InlineData("-x", 127)] // no option of sh, but a command that is not there
    [InlineData("+x", 127)]
    [InlineData("--", 127)]
    [InlineData("", 0)]
    [InlineData("exit 3", 3)]
    public async Task Shell_TextOfAnyForm_IsTheCommand(string text, int exit) =>
        Assert.Equal(exit, (await RunAsync(SubprocessStartInfo.Shell(text))).Exit.ExitCode);

    [Fact]
    public async Task Shell_InAPipeline_IsAMember()
    {
        SubprocessPipeline pipeline = new(SubprocessStartInfo.Shell("echo $1", "in"), new("cat"));
        Assert.Equal("in\n", (await Factory.RunAsync(pipeline).WaitAsync(TestTimeout)).Output);
    }

    [Fact]
    public void Shell_Null_IsRefused() => Assert.Throws<ArgumentNullException>(() => SubprocessStartInfo.Shell(null!));
}
