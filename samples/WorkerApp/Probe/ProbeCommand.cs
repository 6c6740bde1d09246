using System.Net.Sockets;
using System.Text;

namespace WorkerApp.Probe;

/// <summary>"probe": asks the health socket of a running WorkerApp, as the exec probe of an orchestrator.</summary>
internal static class ProbeCommand
{
    /// <summary>Less than the time of the shipped probes (timeoutSeconds: 5), whose end would leave no word of the reason.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    internal static async Task<int> ExecuteAsync(string path, string question)
    {
        if (question is not ("live" or "ready"))
            throw new UsageException($"probe: '{question}' is neither live nor ready");
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            string answer = await AskUntilAnsweredAsync(path, question, patience.Token);
            if (answer == "ok")
                return 0;
            await Console.Error.WriteLineAsync(answer);
            return 1;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            // What .NET makes of ENOENT, and calls an address that can't be assigned.
            await Console.Error.WriteLineAsync($"{path}: no such socket");
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{path}: no answer within {s_patience.TotalSeconds} s");
            return 1;
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException)
        {
            await Console.Error.WriteLineAsync($"{path}: {e.Message}");
            return 1;
        }
    }

    private static async Task<string> AskUntilAnsweredAsync(string path, string question, CancellationToken patience)
    {
        while (true)
        {
            try
            {
                string answer = await AskAsync(path, question, patience);
                // The end alone: given up for a new client, too, with the question read and not looked at.
                if (answer.Length > 0)
                    return answer;
            }
            catch (Exception e) when (IsForLaterTry(e as SocketException ?? e.InnerException as SocketException))
            {
                // Below.
            }
            await Task.Delay(s_pause, patience);
        }
    }

    private static async Task<string> AskAsync(string path, string question, CancellationToken patience)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), patience);
        await socket.SendAsync(Encoding.UTF8.GetBytes(question + "\n"), patience);
        using StreamReader reader = new(new NetworkStream(socket, ownsSocket: false));
        return (await reader.ReadToEndAsync(patience)).Trim();
    }

    /// <summary>
    /// EAGAIN: the listener's queue is full (connect(2)). ECONNRESET, and EPIPE where the question had not been sent: as the oldest of many
    /// clients it was given up for a new one. A server that is gone refuses the next try.
    /// </summary>
    private static bool IsForLaterTry(SocketException? error) => error?.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionReset or SocketError.Shutdown;
}
