using UnixLoop.Loop.Tests.Loops;

namespace UnixLoop.Loop.Tests.Subprocesses;

/// <summary>A loop, a watcher and a factory.</summary>
public abstract class SubprocessTest : LoopTest
{
    protected PidfdChildWatcher Watcher { get; } = new();

    protected SubprocessFactory Factory { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Watcher.Attach(Loop);
        Factory = new SubprocessFactory(Loop, Watcher);
    }

    /// <summary>A script for the shell, with arguments $1, $2…</summary>
    protected static SubprocessStartInfo Shell(string script, params string[] arguments) =>
        new("/bin/sh", ["-c", script, "sh", .. arguments]);

    protected Task<SubprocessResult> RunAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default) =>
        Factory.RunAsync(startInfo, options, cancellationToken).WaitAsync(TestTimeout, CancellationToken.None);

    protected async Task<ISubprocess> StartAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default) =>
        await Factory.StartAsync(startInfo, cancellationToken).AsTask().WaitAsync(TestTimeout, CancellationToken.None);
}
