using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class SpawnLogTests : SpawningTest
{
    [Fact]
    public void Rule07_Fallback_IsLoggedOnceAsNotAtomic()
    {
        FakeLogger logger = new();
        for (int i = 0; i < 3; i++)
            Assert.Equal(0, Spawned.Reap(Spawner.Start(new("true"), Stdio.Null, Stdio.Null, Stdio.Inherit, logger, Spawned.OldLibc)));
        FakeLogRecord record = Assert.Single(logger.Collector.GetSnapshot(), r => r.Id.Name == "CloseFromMissing");
        Assert.Equal((LogLevel.Warning, 1380), (record.Level, record.Id.Id));
    }

    [Fact]
    public void WorkingDirectory_WithoutLibcsHelp_IsRefusedByName()
    {
        SubprocessStartInfo info = new("true") { WorkingDirectory = Folder };
        SubprocessStartException e = Assert.Throws<SubprocessStartException>(() => Spawned.Start(info, features: Spawned.OldLibc with { ChangeDirectory = false }));
        Assert.Equal((SubprocessStartError.Other, "ENOSYS"), (e.Reason, e.ErrorName));
        Assert.Contains("posix_spawn_file_actions_addchdir_np", e.Message, StringComparison.Ordinal);
    }
}
