using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Process.Tests.Scenarios;
using UnixLoop.TestSupport.Interop;
using UnixLoop.Transports;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Process.Tests.Transports;

/// <summary>
/// 200 clients connect, stall, reset, half-close, flood and vanish, while the server's descriptors run out twice. Every byte is
/// accounted for, and nothing is left. UNIXLOOP_CHAOS_SECONDS makes it last longer (.ci/soak).
/// </summary>
public sealed class ChaosTests
{
    private const int DefaultSeconds = 10;
    private const int MostWarmUps = 5;
    private const long HeapTolerance = 2 * 1024 * 1024;

    /// <summary>The first line comes after the start of a runtime and 200 clients' first turns: at a load of 60, 30 s were too few once.</summary>
    private static readonly TimeSpan LineBound = 2 * TestTimeout;

    private static readonly TimeSpan ShortestShortage = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Server_AmongClientsThatMisbehaveAndWithoutDescriptors_AccountsForEveryByte()
    {
        string seconds = Environment.GetEnvironmentVariable("UNIXLOOP_CHAOS_SECONDS") ?? $"{DefaultSeconds}";
        await using ScenarioProcess scenario = ScenarioProcess.Start(ServeAsync, [seconds], FullPool.Via);
        string line;
        // Longer than anything that the scenario waits for, so that it is the scenario that says what did not come.
        while ((line = await scenario.ReadLineAsync(LineBound + TestTimeout)) != "over")
            TestContext.Current.SendDiagnosticMessage(line);
        await scenario.EndWellAsync();
    }

    /// <summary>seconds: prints what happened, then "over".</summary>
    internal static async Task ServeAsync(string[] args)
    {
        using FullPool pool = await FullPool.StartAsync();
        string folder = Directory.CreateTempSubdirectory("unixloop-chaos-").FullName;
        string path = Path.Combine(folder, "socket");
        FakeLogCollector log = FakeLogCollector.Create(new FakeLogCollectorOptions { FilteredLevels = { LogLevel.Warning } });
        using ILoggerFactory loggers = LoggerFactory.Create(builder => builder.AddProvider(new FakeLoggerProvider(log)));
        // Loads what must be loaded while there are descriptors.
        ListenerLog.Paused(loggers.CreateLogger("warm-up"), UnixSocketAddress.FromPath(path), TimeSpan.Zero, "warm-up");
        await using UnixEventLoop loop = new(new() { LoggerFactory = loggers });
        await loop.StartAsync();
        loop.UnhandledException += context => Environment.FailFast($"{context.Message}: {context.Exception}");
        UnixStreamListener listener = await UnixStreamListener.BindAsync(loop, UnixSocketAddress.FromPath(path), new() { Backlog = 512 }); // all clients fit: a full one makes connect fail
        Server server = new(listener);
        int seed = Environment.TickCount;
        await using (ScenarioProcess clients = ScenarioProcess.Start(ChaosClients.RunAsync, [path, $"{seed}"]))
        {
            Chaos chaos = new(loop, log, server, clients);
            long heap = await WarmUpAsync(chaos);
            int descriptors = CountDescriptors();
            await chaos.RunAsync(TimeSpan.FromSeconds(int.Parse(args[0], CultureInfo.InvariantCulture)), shortages: 2);
            log.Clear();

            Eventually.True(() => CountDescriptors() <= descriptors, () => $"descriptors as before: {descriptors}, not {CountDescriptors()}");
            long after = 0;
            Eventually.True(() => (after = HeapBytes()) <= heap + HeapTolerance, () => $"the heap as before: {heap:N0}, not {after:N0} bytes");
            TimeSpan lag = loop.GetStatistics().MaxLag;
            Scenario.Say($"seed {seed}: {descriptors} descriptors, heap {heap:N0} bytes before and {after:N0} after, longest lag {lag.TotalMilliseconds:F1} ms");
            await clients.EndWellAsync();
        }
        await listener.DisposeAsync();
        await server.Accepting.WaitAsync(TestTimeout);
        Assert.False(File.Exists(path), "the socket's file is removed");
        Directory.Delete(folder, recursive: true);
        Scenario.Say("over");
    }

    /// <summary>
    /// Brings in what stays, first code and threads with descriptors enough, then pools, until these have their size. How much is
    /// done in a time depends on what else the machine does, so that no single round is sure to fill them.
    /// </summary>
    /// <returns>The heap's bytes.</returns>
    private static async Task<long> WarmUpAsync(Chaos chaos)
    {
        await chaos.RunAsync(TimeSpan.FromSeconds(1), shortages: 0);
        long heap = HeapBytes();
        for (int round = 0; round < MostWarmUps; round++)
        {
            long before = heap;
            await chaos.RunAsync(TimeSpan.FromSeconds(2), shortages: 2);
            heap = HeapBytes();
            if (heap - before < HeapTolerance / 4)
                break;
        }
        return heap;
    }

    private static long HeapBytes() => GC.GetTotalMemory(forceFullCollection: true);

    private static int CountDescriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    private sealed class Chaos(UnixEventLoop loop, FakeLogCollector log, Server server, ScenarioProcess clients)
    {
        internal async Task RunAsync(TimeSpan time, int shortages)
        {
            await clients.WriteLineAsync("go");
            // If both fail, what the clients say comes first.
            await Task.WhenAll(server.CheckAsync(clients), MakeAsync(time, shortages));
            Eventually.True(() => loop.GetStatistics().WatchedDescriptors <= 1, "only the listener is registered");
        }

        private async Task MakeAsync(TimeSpan time, int shortages)
        {
            for (int i = 0; i < shortages; i++)
            {
                await Task.Delay(time / 4, TimeProvider.System); // the time is what is asked for
                await RunOutOfDescriptorsAsync(ShortestShortage < time / 4 ? ShortestShortage : time / 4);
            }
            await Task.Delay(time / 4, TimeProvider.System);
            await clients.WriteLineAsync("stop");
        }

        /// <summary>
        /// For so long, and until the listener has met it and the loop has turned in it, however slow the machine is. The longest lag
        /// could not tell a loop that waits for descriptors from one that waits for a processor.
        /// </summary>
        private async Task RunOutOfDescriptorsAsync(TimeSpan time)
        {
            int pauses = Pauses();
            int limit = TestLibc.GetDescriptorLimit();
            // Those that are open stay; there are no new ones.
            TestLibc.SetDescriptorLimit(3);
            try
            {
                await Task.WhenAll(
                    Task.Delay(time, TimeProvider.System),
                    Task.Run(() => Eventually.True(() => Pauses() > pauses, "accepting pauses")),
                    loop.InvokeAsync(static () => { }).WaitAsync(TestTimeout));
            }
            finally
            {
                TestLibc.SetDescriptorLimit(limit);
            }
        }

        private int Pauses() => log.GetSnapshot().Count(static record => record.Id.Name == "AcceptPaused");
    }

    /// <summary>Echoes, and keeps the books.</summary>
    private sealed class Server
    {
        private readonly UnixStreamListener _listener;
        private readonly ConcurrentDictionary<long, Books> _books = [];
        private readonly ConcurrentQueue<Exception> _surprises = [];
        private long _accepted;
        private long _ended;
        private long _anonymous;

        internal Server(UnixStreamListener listener)
        {
            _listener = listener;
            Accepting = Task.Run(AcceptAsync);
        }

        internal Task Accepting { get; }

        /// <summary>Compares the clients' books with ours.</summary>
        internal async Task CheckAsync(ScenarioProcess clients)
        {
            (long connections, long sentBytes, long echoed) = (0, 0, 0);
            List<string[]> theirs = [];
            string line;
            while ((line = await clients.ReadLineAsync(LineBound)) != "done")
            {
                if (line == "on it")
                    Scenario.Say(line);
                else
                    theirs.Add(line.Split(' '));
            }
            Eventually.True(() => Volatile.Read(ref _ended) == theirs.Count, () => $"each of {theirs.Count} connections is accepted once and ends, not {_accepted} and {_ended}");
            Assert.Empty(_surprises);
            foreach (string[] client in theirs)
            {
                (long number, bool isPolite, long sent, long received) = (Number(client[0]), bool.Parse(client[1]), Number(client[2]), Number(client[3]));
                connections++;
                sentBytes += sent;
                echoed += received;
                if (sent < ChaosClients.NumberBytes)
                {
                    _anonymous--;
                    continue;
                }
                Assert.True(_books.TryRemove(number, out Books? books), $"connection {number} is known");
                if (books.IsWhole)
                    Assert.Equal(sent, books.Read);
                else
                    Assert.InRange(books.Read, 0, sent);
                if (isPolite)
                {
                    Assert.True(books.IsWhole, $"connection {number} ended by its end: {books.Error}");
                    Assert.Equal((sent, sent), (books.Written, received));
                }
                else
                {
                    // What was not written has been told by an error.
                    Assert.True(books.Written == books.Read || books.Error is not null, $"connection {number}: {books.Read} read, {books.Written} written, no error");
                }
            }
            Assert.Equal(0, _anonymous);
            Assert.Empty(_books);
            _ended = _accepted = 0;
            Scenario.Say($"{connections} connections, {sentBytes:N0} bytes sent by clients, {echoed:N0} echoed to those that read");
        }

        private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

        private async Task AcceptAsync()
        {
            while (await _listener.AcceptAsync() is { } connection)
            {
                _accepted++;
                _ = KeepSurprisesAsync(ServeAsync(connection));
            }
        }

        private async Task KeepSurprisesAsync(Task served)
        {
            try
            {
                await served;
            }
            catch (Exception e)
            {
                _surprises.Enqueue(e);
                Interlocked.Increment(ref _ended);
            }
        }

        private async Task ServeAsync(UnixStreamConnection connection)
        {
            Books books = new();
            long? number = null;
            try
            {
                await EchoAsync();
                await connection.Output.CompleteAsync();
                books.IsWhole = true;
            }
            catch (Exception e) when (e is IOException or BrokenException)
            {
                books.Error = e;
            }
            await connection.DisposeAsync();
            if (number is { } known)
                Assert.True(_books.TryAdd(known, books));
            else
                Interlocked.Increment(ref _anonymous);
            Interlocked.Increment(ref _ended);

            async Task EchoAsync()
            {
                while (true)
                {
                    ReadResult read = await connection.Input.ReadAsync();
                    if (number is null && read.Buffer.Length < ChaosClients.NumberBytes && !read.IsCompleted)
                    {
                        connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                        continue;
                    }
                    if (number is null && read.Buffer.Length >= ChaosClients.NumberBytes)
                        number = BinaryPrimitives.ReadInt64LittleEndian(System.Buffers.BuffersExtensions.ToArray(read.Buffer.Slice(0, ChaosClients.NumberBytes)));
                    books.Read += read.Buffer.Length;
                    try
                    {
                        foreach (ReadOnlyMemory<byte> part in read.Buffer)
                        {
                            if ((await connection.Output.WriteAsync(part)).IsCompleted)
                                throw new BrokenException();
                            books.Written += part.Length;
                        }
                    }
                    finally
                    {
                        connection.Input.AdvanceTo(read.Buffer.End);
                    }
                    if (read.IsCompleted)
                        return;
                }
            }
        }
    }

    private sealed class Books
    {
        internal long Read { get; set; }
        internal long Written { get; set; }
        internal bool IsWhole { get; set; }
        internal Exception? Error { get; set; }
    }

    private sealed class BrokenException : Exception;
}
