using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using UnixLoop.Process.Tests.Scenarios;

namespace UnixLoop.Process.Tests.Transports;

/// <summary>
/// The clients of <see cref="ChaosTests"/>, in a process of their own with sockets that are not ours. Each connection begins with its
/// number, of 8 bytes; all bytes after that tell where they stand, and come back.
/// </summary>
internal static class ChaosClients
{
    internal const int NumberBytes = sizeof(long);
    private const int Clients = 200;
    private const int Flood = 1_500_000;

    private static readonly List<string> s_results = [];
    private static long s_numbers;

    private enum Manner
    {
        /// <summary>Sends, half-closes, and reads the echo to its end.</summary>
        Polite,

        /// <summary>The same, and reads nothing for a while.</summary>
        Stalling,

        /// <summary>The same with as much as the server and both sockets hold several times.</summary>
        Flooding,

        /// <summary>Half-closes with its first bytes.</summary>
        HalfClosing,

        /// <summary>Closes with its echo unread.</summary>
        Resetting,

        /// <summary>Closes after the connect, or within its number.</summary>
        Vanishing,
    }

    /// <summary>path seed: from each line "go" on standard input to the next, "stop", chaos; then a line for each connection, and "done".</summary>
    internal static async Task RunAsync(string[] args)
    {
        UnixDomainSocketEndPoint server = new(args[0]);
        int seed = int.Parse(args[1], CultureInfo.InvariantCulture);
        while (await Console.In.ReadLineAsync() is { Length: > 0 })
        {
            using CancellationTokenSource over = new();
            Task clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => ConnectAgainAndAgainAsync(server, new Random(seed + client), over.Token))));
            await SayingThatItGoesOnAsync(Task.Run(Console.In.ReadLine)); // which blocks
            await over.CancelAsync();
            await SayingThatItGoesOnAsync(clients);
            seed += Clients;
            lock (s_results)
            {
                s_results.ForEach(Scenario.Say);
                s_results.Clear();
            }
            Scenario.Say("done");
        }
    }

    /// <summary>The test waits for a line for a bounded time.</summary>
    private static async Task SayingThatItGoesOnAsync(Task task)
    {
        while (await Task.WhenAny(task, Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System)) != task)
            Scenario.Say("on it");
        await task;
    }

    private static async Task ConnectAgainAndAgainAsync(UnixDomainSocketEndPoint server, Random random, CancellationToken over)
    {
        // At least once: on a loaded machine it may be over before a client's first turn.
        do
        {
            long number = Interlocked.Increment(ref s_numbers);
            var manner = (Manner)random.Next(Enum.GetValues<Manner>().Length);
            (long sent, long received) = await ConnectAsync(server, random, number, manner);
            lock (s_results)
                s_results.Add($"{number} {manner is not (Manner.Resetting or Manner.Vanishing)} {sent} {received}");
        }
        while (!over.IsCancellationRequested);
    }

    private static async Task<(long Sent, long Received)> ConnectAsync(UnixDomainSocketEndPoint server, Random random, long number, Manner manner)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(server);
        byte[] message = Message(number, manner == Manner.Flooding ? Flood : random.Next(1, 50_000));
        switch (manner)
        {
            case Manner.Vanishing:
                int cut = random.Next(NumberBytes);
                return (cut == 0 ? 0 : await socket.SendAsync(message.AsMemory(0, cut)), 0);
            case Manner.Resetting:
                long sent = await socket.SendAsync(message);
                if (random.Next(2) == 0)
                    await socket.ReceiveAsync(new byte[1], SocketFlags.Peek);
                return (sent, 0);
            case Manner.HalfClosing:
                message = message[..(NumberBytes + 1)];
                break;
        }
        Task sending = SendAsync(socket, message);
        if (manner is Manner.Stalling or Manner.Flooding)
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(300)), TimeProvider.System); // the stall
        long received = await ReceiveAsync(socket, message);
        await sending;
        return (message.Length, received);
    }

    private static byte[] Message(long number, int length)
    {
        byte[] message = new byte[NumberBytes + length];
        BinaryPrimitives.WriteInt64LittleEndian(message, number);
        for (int i = NumberBytes; i < message.Length; i++)
            message[i] = (byte)(i ^ (i >> 8) ^ number);
        return message;
    }

    private static async Task SendAsync(Socket socket, byte[] message)
    {
        for (int sent = 0; sent < message.Length;)
            sent += await socket.SendAsync(message.AsMemory(sent));
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<long> ReceiveAsync(Socket socket, byte[] message)
    {
        byte[] buffer = new byte[16 * 1024];
        int received = 0;
        for (int count; (count = await socket.ReceiveAsync(buffer)) > 0; received += count)
        {
            if (!buffer.AsSpan(0, count).SequenceEqual(message.AsSpan(received, count)))
                throw new InvalidDataException($"Other bytes came back than were sent, at {received} of {message.Length}.");
        }
        return received;
    }
}
