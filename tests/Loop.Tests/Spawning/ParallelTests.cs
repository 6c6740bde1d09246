using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed class ParallelTests : SpawningTest
{
    [Fact]
    public async Task Start_From8Threads_LeaksNoDescriptorIntoASibling()
    {
        // Each child sees its three streams and ls's own descriptor, whatever the others are opening at that moment.
        const int Threads = 8, Rounds = 25;
        Task<string>[] runs = [.. Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(() =>
        {
            string seen = "";
            for (int i = 0; i < Rounds; i++)
                seen += string.Concat(Spawned.Lines(new SubprocessStartInfo("ls", "/proc/self/fd")));
            return seen;
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        string expected = string.Concat(Enumerable.Repeat("0123", Rounds));
        Assert.All(await Task.WhenAll(runs).WaitAsync(TestTimeout), seen => Assert.Equal(expected, seen));
    }

    [Fact]
    public async Task Start_From8Threads_EachInputEndsWithItsOwnWriter()
    {
        // A sibling that kept a write end would keep the reader waiting.
        const int Threads = 8, Rounds = 25;
        Task[] runs = [.. Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                SpawnedChild child = Spawned.Start(new SubprocessStartInfo("cat"), Stdio.Pipe, Stdio.Pipe);
                Spawned.Write(child.InputWriteEnd!, $"{thread} {i}");
                Assert.Equal($"{thread} {i}", Spawned.ReadToEnd(child.OutputReadEnd!));
                Assert.Equal(0, Spawned.Reap(child));
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(runs).WaitAsync(TestTimeout);
    }
}
