namespace UnixLoop.Pages;

internal static class AttributesPage
{
    internal static SubprocessStartInfo Attributes(ILogger logger)
    {
        SubprocessStartInfo info = new("worker")
        {
            Attributes = new()
            {
                User = "www-data",                                          // with its group and its groups
                Umask = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite,
                Limits = { [ResourceLimit.NoFile] = new(1024), [ResourceLimit.Core] = new(0, ResourceLimitValue.Unlimited) },
                NoNewPrivileges = true,
                ParentDeathSignal = UnixSignal.Term,
            },
        };
        if (info.Attributes.WhyUnavailable() is string reason)
            logger.LogWarning("{Reason}", reason);
        return info;
    }

    internal static async Task TerminalAsync(ISubprocessFactory children)
    {
        Stdio terminal = Stdio.Pty(columns: 120, rows: 40);
        await using ISubprocess shell = await children.StartAsync(new("bash") { Input = terminal, Output = terminal, Error = terminal });
        await shell.Input.WriteAsync("ls\n"u8.ToArray());        // as if typed: it echoes
        shell.Resize(columns: 100, rows: 30);                    // the child gets SIGWINCH
        await shell.Input.WriteAsync("\x04"u8.ToArray());        // Ctrl-D: the end of its input
    }
}
