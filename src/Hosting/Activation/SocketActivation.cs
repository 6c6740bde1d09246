using System.Globalization;
using Microsoft.Win32.SafeHandles;
using UnixLoop.Hosting.Interop;

namespace UnixLoop.Hosting.Activation;

/// <summary>
/// The descriptors of systemd's socket activation (sd_listen_fds(3)): from 3 on, LISTEN_FDS many, if LISTEN_PID is this process; named by
/// LISTEN_FDNAMES. They are taken once, when the host starts, and the variables are cleared, so that no child takes them for its own.
/// </summary>
internal sealed class SocketActivation : IDisposable
{
    internal const string PidVariable = "LISTEN_PID";
    internal const string CountVariable = "LISTEN_FDS";
    internal const string NamesVariable = "LISTEN_FDNAMES";

    private const int FirstDescriptor = 3;

    private readonly Lock _gate = new();
    private readonly List<ActivatedSocket> _sockets = [];
    private readonly List<SafeFileHandle> _handles = [];
    private readonly HashSet<int> _descriptors = [];
    private bool _isRead;

    /// <summary>Whether a service manager has handed anything over.</summary>
    internal bool IsActivated => _descriptors.Count > 0;

    /// <summary>The process whom the sockets are meant for, by the variables; null where that is this one, or where there are none.</summary>
    internal int? OtherProcess { get; private set; }

    /// <summary>The names that nobody has taken.</summary>
    internal string[] Untaken
    {
        get
        {
            lock (_gate)
                return [.. _sockets.Select(socket => socket.Name)];
        }
    }

    /// <summary>Whether the descriptor came with the activation, taken or not.</summary>
    internal bool Includes(int descriptor) => _descriptors.Contains(descriptor);

    /// <summary>Reads and clears the variables; again is harmless.</summary>
    /// <exception cref="IOException">They contradict themselves, or a descriptor is no listening Unix stream socket; the message names it. Nothing is left open.</exception>
    internal void Read()
    {
        lock (_gate)
        {
            if (_isRead)
                return;
            _isRead = true;
            (string? pid, string? count, string? names) = (Take(PidVariable), Take(CountVariable), Take(NamesVariable));
            if (pid is null || count is null || pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            {
                OtherProcess = Number(count) > 0 && Number(pid) is > 0 and int other && other != Environment.ProcessId ? other : null;
                return; // of an ancestor, or none (rule 30)
            }
            try
            {
                Open(count, names);
            }
            catch
            {
                CloseNeedsLock();
                throw;
            }
        }
    }

    /// <summary>Hands one over to the caller, who owns it from then on. Of several with one name the first.</summary>
    internal bool TryTake(string name, out ActivatedSocket? socket)
    {
        lock (_gate)
        {
            socket = _sockets.Find(candidate => candidate.Name == name);
            return socket is not null && _sockets.Remove(socket) && _handles.Remove(socket.Handle);
        }
    }

    /// <summary>Closes what nobody has taken.</summary>
    public void Dispose()
    {
        lock (_gate)
            CloseNeedsLock();
    }

    private void Open(string countText, string? namesText)
    {
        if (Number(countText) is not (> 0 and int count))
            throw new IOException($"{CountVariable} is '{countText}'; it must be the number of descriptors.");
        string[]? names = namesText?.Split(':');
        // All are closed on exec, also those that are refused: no child inherits them.
        for (int i = 0; i < count; i++)
        {
            if (!Libc.TrySetCloseOnExec(FirstDescriptor + i))
                throw new IOException($"{CountVariable} is {count}, but descriptor {FirstDescriptor + i} is not open.");
        }

        if (names is not null && names.Length != count)
            throw new IOException($"{NamesVariable} has {names.Length} names ('{namesText}'), but {CountVariable} is {count}.");
        for (int i = 0; i < count; i++)
        {
            string name = names?[i] ?? "unknown";
            int descriptor = FirstDescriptor + i;
            if (Libc.WhyNotUnixListener(descriptor) is { } why)
            {
                throw new IOException(
                    $"The activated descriptor {descriptor} ('{name}') {why}: UseSystemdSocketActivation() takes listening Unix stream sockets. For TCP use Kestrel's own UseSystemd() in its place.");
            }
            // Ours by the protocol, once it is what the protocol hands over: a count that is too large names the runtime's own descriptors.
            SafeFileHandle handle = new(descriptor, ownsHandle: true);
            _descriptors.Add(descriptor);
            _handles.Add(handle);
            _sockets.Add(new ActivatedSocket(name, descriptor, handle));
        }
    }

    private void CloseNeedsLock()
    {
        foreach (SafeFileHandle handle in _handles)
            handle.Dispose();
        _handles.Clear();
        _sockets.Clear();
    }

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static string? Take(string variable)
    {
        string? value = Environment.GetEnvironmentVariable(variable);
        Environment.SetEnvironmentVariable(variable, null);
        return value;
    }
}
