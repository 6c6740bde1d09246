using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UnixLoop.Kestrel.Tests.Support;
using UnixLoop.TestSupport.Interop;

namespace UnixLoop.Kestrel.Tests.Soak;

/// <summary>Good and bad clients side by side, for 10 s, or as long as UNIXLOOP_SOAK_SECONDS says (.ci/soak); then nothing has grown.</summary>
public sealed class SoakTests(ITestOutputHelper output) : KestrelTest
{
    private const string Get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private const long MiB = 1024 * 1024;

    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("UNIXLOOP_SOAK_SECONDS") ?? "10", CultureInfo.InvariantCulture));

    private long _served;
    private long _failed;

    [Theory]
    [InlineData(Transport.Loop)]
    public async Task Clients_OfAllKinds_LeaveNothingBehind(Transport transport)
    {
        await using TestServer server = await TestServer.StartAsync(
            transport, Site.Map, services: static services => services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning)));
        // Brings in what stays: code, pools, threads; a shortage belongs to it.
        await RunRoundAsync(server);
        Figures before = await MeasureAsync(server);
        Figures after = before;
        // Pools may come to their size late, by a burst that no round before had. A leak grows in each.
        for (int round = 1; round <= 3; round++)
        {
            before = after;
            await RunRoundAsync(server);
            after = await MeasureAsync(server, before.Descriptors.Length);
            IUnixEventLoop loop = server.Services.GetRequiredService<IUnixEventLoop>();
            output.WriteLine($"served {_served}, broken off {_failed}; descriptors {before.Descriptors.Length} → {after.Descriptors.Length}; heap {before.Heap / 1024} → {after.Heap / 1024} KiB; resident {before.Resident / 1024} → {after.Resident / 1024} KiB; loop's lag {loop.GetStatistics().Lag}");
            if (!after.HasGrownFrom(before))
                break;
        }

        Assert.True(_served > 100, $"only {_served} requests were served");
        Assert.False(after.HasGrownFrom(before), $"grown in each round; in the last from {before} to {after}; new descriptors: {string.Join(", ", after.Descriptors.Except(before.Descriptors))}");
    }

    private async Task RunRoundAsync(TestServer server) =>
        await Task.WhenAll(RunAsync(server.Path, Duration / 2), ExhaustDescriptorsAsync(Duration / 2));

    private async Task RunAsync(string path, TimeSpan duration)
    {
        long end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        Func<RawClient, Task>[] kinds = [GoodAsync, GoodAsync, SlowAsync, HalfClosedAsync, ResetAsync, OversizedAsync, GarbageAsync];
        await Task.WhenAll(kinds.Select(kind => Task.Run(async () =>
        {
            while (Stopwatch.GetTimestamp() < end)
                await OnceAsync(path, kind);
        })));
    }

    private async Task OnceAsync(string path, Func<RawClient, Task> kind)
    {
        try
        {
            using RawClient client = await RawClient.ConnectAsync(path);
            await kind(client);
            Interlocked.Increment(ref _served);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or Xunit.Sdk.XunitException)
        {
            // For want of descriptors on either side; what is served in the end is counted.
            Interlocked.Increment(ref _failed);
        }
    }

    private static async Task GoodAsync(RawClient client)
    {
        for (int i = 0; i < 50; i++)
        {
            await client.SendAsync(Get);
            await client.ReceiveUntilAsync("hello over");
        }
    }

    private static async Task SlowAsync(RawClient client)
    {
        await client.SendAsync("GET /download HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        byte[] buffer = new byte[65_536];
        long have = 0;
        for (int got, reads = 0; (got = await client.ReceiveAsync(buffer)) > 0; have += got)
        {
            if (++reads % 8 == 0)
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }
        Assert.True(have > Site.Large, $"{have} bytes");
    }

    private static async Task HalfClosedAsync(RawClient client)
    {
        await client.SendAsync(Get);
        client.Finish();
        Assert.Contains("hello over", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    /// <summary>Closed with the answer unread.</summary>
    private static Task ResetAsync(RawClient client) => client.SendAsync("GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n");

    private static async Task OversizedAsync(RawClient client)
    {
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: localhost\r\nX: {new string('x', 40_000)}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 431", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    private static async Task GarbageAsync(RawClient client)
    {
        await client.SendAsync("\x16\x03\x01 no HTTP at all\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", await client.ReceiveAllAsync(), StringComparison.Ordinal);
    }

    /// <summary>Twice for a second.</summary>
    private static async Task ExhaustDescriptorsAsync(TimeSpan duration)
    {
        int limit = TestLibc.GetDescriptorLimit();
        for (int i = 0; i < 2; i++)
        {
            await Task.Delay(duration / 6, TimeProvider.System, CancellationToken.None);
            using FullPool pool = await FullPool.StartAsync();
            TestLibc.SetDescriptorLimit(Directory.GetFileSystemEntries("/proc/self/fd").Length);
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
            }
            finally
            {
                TestLibc.SetDescriptorLimit(limit);
            }
        }
    }

    /// <summary>Once all clients are gone, and a last good one has been served.</summary>
    private async Task<Figures> MeasureAsync(TestServer server, int fewest = int.MaxValue)
    {
        Eventually.True(() => ServedOnce(server.Path), "the server serves again");
        // What ends in the background has a second.
        Eventually.TryWait(() => Descriptors().Length < fewest, TimeSpan.FromSeconds(1));
        server.Log.Clear();
        for (int i = 0; i < 3; i++)
        {
            // The aggressive one gives free regions back: what is resident then is in use, not kept for what may come.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }
        return new(Descriptors(), GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    }

    /// <summary>Sockets and the loop's own: the runtime opens libraries and their symbols whenever it likes.</summary>
    private static string[] Descriptors() => [.. new DirectoryInfo("/proc/self/fd").GetFileSystemInfos()
        .Select(file => (Number: file.Name, Target: file.LinkTarget))
        .Where(file => file.Target?.StartsWith("socket:", StringComparison.Ordinal) == true || file.Target?.StartsWith("anon_inode:", StringComparison.Ordinal) == true)
        .Select(file => $"{file.Number} → {file.Target}")];

    private bool ServedOnce(string path)
    {
        long before = Interlocked.Read(ref _served);
        OnceAsync(path, GoodAsync).WaitAsync(TestTimeout).GetAwaiter().GetResult();
        return Interlocked.Read(ref _served) > before;
    }

    /// <param name="Descriptors">Open ones.</param>
    /// <param name="Heap">In bytes.</param>
    /// <param name="Resident">In bytes.</param>
    private sealed record Figures(string[] Descriptors, long Heap, long Resident)
    {
        internal bool HasGrownFrom(Figures before) =>
            Descriptors.Length > before.Descriptors.Length || Heap - before.Heap >= 2 * MiB || Resident >= before.Resident * 1.1 + 4 * MiB;

        public override string ToString() => $"{Descriptors.Length} descriptors, a heap of {Heap} bytes, {Resident} resident";
    }
}
