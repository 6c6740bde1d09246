using System.IO.Pipes;

namespace UnixLoop.Loop.Tests;

public sealed class LeakCheckTests
{
    [Fact]
    public void Dispose_NothingOpened_Passes()
    {
        var check = new LeakCheck();
        check.Dispose();
    }

    [Fact]
    public void Dispose_DescriptorLeftOpen_FailsAndNamesIt()
    {
        var check = new LeakCheck(TimeSpan.FromMilliseconds(50));
        using var pipe = new AnonymousPipeServerStream();
        Exception e = Assert.ThrowsAny<Exception>(check.Dispose);
        Assert.Contains("pipe:[", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dispose_ChildLeftRunning_FailsAndNamesIt()
    {
        var check = new LeakCheck(TimeSpan.FromMilliseconds(50));
        using var child = System.Diagnostics.Process.Start("sleep", "1000");
        try
        {
            Exception e = Assert.ThrowsAny<Exception>(check.Dispose);
            Assert.Contains($"child {child.Id} (", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            child.Kill();
            await child.WaitForExitAsync().WaitAsync(TestTimeout);
        }
    }

    [Fact]
    public async Task Dispose_GrandchildLeftToInit_FailsAndNamesIt()
    {
        var check = new LeakCheck(TimeSpan.FromMilliseconds(50));
        using var shell = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", "setsid sleep 1000 >/dev/null & echo $!"]) { RedirectStandardOutput = true })!;
        string grandchild = (await shell.StandardOutput.ReadToEndAsync().WaitAsync(TestTimeout)).Trim();
        await shell.WaitForExitAsync().WaitAsync(TestTimeout);
        shell.StandardOutput.Dispose();
        try
        {
            // In the midst of execve(2) a process has no variables to be known by (nor arguments).
            Eventually.True(() => File.ReadAllText($"/proc/{grandchild}/cmdline").StartsWith("sleep", StringComparison.Ordinal), "the grandchild runs its program");
            Exception e = Assert.ThrowsAny<Exception>(check.Dispose);
            Assert.Contains($"child {grandchild} (", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            UnixLoop.TestSupport.Interop.TestLibc.Kill(int.Parse(grandchild), 9);
        }
    }
}
